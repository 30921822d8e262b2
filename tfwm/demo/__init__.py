"""A page on this computer to mark a photo, damage it and read it again."""

from tfwm.demo.serve import make_server, serve
from tfwm.demo.server import DemoServer

__all__ = ["DemoServer", "make_server", "serve"]
