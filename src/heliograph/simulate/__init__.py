"""Simulated plants: their weather, arrays, batteries and loads, and the readings their devices would send.

`fleet` is the way in; the other modules are what it is made of. Importing it brings in pvlib and pandas.
"""
