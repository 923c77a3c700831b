"""The commands, one a module.

Modules: diff.
"""
