"""Networks behind a server: the signatures that all servers have, and the client."""

from tfwm.serving.client import Client, MarkedFile, RemoteWatermarker
from tfwm.serving.transport import ServerError

__all__ = ["Client", "MarkedFile", "RemoteWatermarker", "ServerError"]
