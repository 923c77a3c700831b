"""A simulated population: seeded, endless if need be, and none of it real.

Modules: city, population.
"""
