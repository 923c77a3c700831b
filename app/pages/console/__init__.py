"""The pages of operators and auditors: how the platform stands, and what can be done about it.

Modules: install.
"""
