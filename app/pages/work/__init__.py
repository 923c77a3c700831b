"""The service owners' workbench: their agency's triggers, from a draft to what became of their messages.

Modules: install.
"""
