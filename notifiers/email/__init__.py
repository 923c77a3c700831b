"""Email over SMTP: letters out, bounces back.

Modules: bounces.
"""
