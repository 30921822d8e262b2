"""Starting the demo server and opening its page."""

import errno
import webbrowser

from tfwm.demo.actions import Actions
from tfwm.demo.server import DemoServer

PORT = 8765


def serve(network="photo", port: int = PORT, open_browser: bool = True, *, ready=None) -> None:
    """Serves the demo page on this computer until it is interrupted.

    The server listens on 127.0.0.1 only, answers no pages of other sites, and writes and keeps
    nothing: photos stay in the browser, which sends them with every request.

    Args:
        network: name or path of the network, see `tfwm.load`, or a `tfwm.Watermarker`.
        port: number of the port; 0 takes any free one.
        open_browser: whether to open the page in the default browser.
        ready: called with the page's address once it can be opened.

    Example:

    >>> serve(ready=print)  # doctest: +SKIP
    http://127.0.0.1:8765/
    """
    with make_server(network, port) as server:
        if ready is not None:
            ready(server.url)
        if open_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def make_server(network="photo", port: int = PORT) -> DemoServer:
    """Returns a `DemoServer` that listens but does not answer yet; see `serve`."""
    try:
        server = DemoServer(port)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        reason = "in use" if error.errno == errno.EADDRINUSE else "not allowed"
        raise OSError(f"Port {port} is {reason}: choose another one, or 0 for any.") from error
    except OverflowError as error:
        raise ValueError(f"Expected a port from 0 to 65535. Received: port={port}") from error
    try:
        if isinstance(network, str) or hasattr(network, "__fspath__"):
            from tfwm.watermarker import load

            network = load(network)
        server.actions = Actions(network)
    except BaseException:
        server.server_close()
        raise
    return server
