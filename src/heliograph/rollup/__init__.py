"""Rollup: samples folded into the hours, days, months and years of a plant's own calendar."""
