"""HTTP for the notifiers that speak it.

Modules: addresses, client, options, refusals.
"""
