"""Addresses of servers as text."""


def host_port(host, port):
    """Returns `host:port`, an address of IPv6 in brackets.

    Example:

    >>> host_port("::1", 8500)
    '[::1]:8500'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
