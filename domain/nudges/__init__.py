"""Nudges: their states, the diff that makes facts, and settle, which decides when one is due."""
