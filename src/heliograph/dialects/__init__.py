"""The interfaces the hub speaks: one folder each, found by scanning."""
