"""One module a step, in the order of their revisions: vNNNN_what.py.

Modules: v0001_first_schema.
"""
