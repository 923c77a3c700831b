"""The command line.

Modules: agencies, explanation_lines, logged_reading, main, options, pack_paths, persons,
    principal_session, sorting, submission_view.
"""
