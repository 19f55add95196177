"""What a fleet is made of: units, measurements, plants, devices, samples, alarms, commands and performance figures."""
