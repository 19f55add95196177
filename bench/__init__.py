"""Measures the hub, and two time series databases on the same data beside it: `python -m bench`."""
