"""Who hears it? Measure which of several sockets on one port a datagram or a connection reaches."""
