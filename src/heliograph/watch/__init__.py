"""Watching the fleet: alarms from what devices say, from their silence, and from what is missing."""
