"""Try what a draft brings in a child process under limits.

Modules: confined, confined_child, trial.
"""
