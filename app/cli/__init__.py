"""The command line: the entry point, the table of commands, and what commands share.

Modules:
    main: the entry point. options, pack_paths: option types that commands share, and their values.
    job_options: the options of a command that asks for a job.
    principal_session, logged_reading: who acts, and readings of personal data that the log records.
    agencies, persons: names of agencies and people, as typed. sorting: output sorted without holding all of it.
    recompute: all intents, planned by several processes.
    explanation_lines, submission_view: a nudge explained, and a submission, as lines of text.

Inside: command_table (all commands, by group of `--help`), help_format, failures (exit codes).
"""
