"""The commands, one module each (or one for a group such as `jobs`). A module is imported when its command is used.

Modules:
    diff: `show`, which prints what changes in a trigger.

More than 15 modules, because each command is one; app/cli/command_table.py lists them in groups.
"""
