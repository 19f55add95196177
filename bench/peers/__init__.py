"""Other databases, given the same work: each is started on loopback with its data in a temporary folder."""
