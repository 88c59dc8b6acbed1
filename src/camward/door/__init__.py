"""The one acceptor: filter, first bytes, TLS, hand over."""
