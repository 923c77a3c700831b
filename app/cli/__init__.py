"""The command line: the entry point, the table of commands, and what commands share.

Modules:
    main: the entry point. options, pack_paths: option types that commands share, and their values.
    platform_options: the options by which a command finds its platform. role_options: those of a long-running role.
    job_options: those that ask for a job.
    principal_session, logged_reading: who acts, and readings of personal data that the log records.
    receipt_files: settles unknown outcomes by the receipts of a file.
    persons: names of people, as typed. sorting: output sorted without holding all of it.
    recompute: all intents, planned by several processes.
    explanation_lines, submission_view: a nudge explained, and a submission, as lines of text.
    failures: known failures, with their exit codes.

Inside: command_table (all commands, by group of `--help`), help_format. More than 15 modules, because each thing that
several commands share is one.
"""
