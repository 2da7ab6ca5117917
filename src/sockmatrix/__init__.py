"""Who hears it? Which of several sockets on one port does a datagram or a connection reach."""

__version__ = "0.1.0"
