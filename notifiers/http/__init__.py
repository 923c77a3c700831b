"""HTTP for the notifiers that speak it."""
