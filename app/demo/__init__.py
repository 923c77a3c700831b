"""The demo: an invented population lives a year in a minute, and one page shows what they are told.

Modules: show.
"""
