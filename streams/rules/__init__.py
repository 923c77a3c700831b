"""The rules in force: submit, approve, publish, pause, and read the rulebook.

Modules: approval, context, drafts, governed, in_force, library, ownership, publishing, switches,
    trigger_history.
"""
