"""A local web page on which one marks a photo, damages it and reads it again."""

from tfwm.demo.serve import make_server, serve
from tfwm.demo.server import DemoServer

__all__ = ["DemoServer", "make_server", "serve"]
