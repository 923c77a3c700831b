"""The pages of operators and auditors: the state of the platform, and what can be done about it.

Modules:
    install: adds all pages of the console to the application.

Inside: front_page; jobs, job_forms and job_words; messages (a search), dead_letters, switching and stopped, people,
accesses, forecast, schedule; staff (access).

More than 15 modules, because each page is one.
"""
