"""Delivery: decide, send, record outcomes, and take what comes back."""
