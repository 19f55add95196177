"""The store: what is kept on disk, and the only place that knows how."""
