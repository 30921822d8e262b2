"""Networks behind a server: the signatures that all servers have, and the client."""
