"""Heliograph: a self-hosted hub for solar and storage fleets."""

__version__ = "0.1.0"
