"""The pages of operators and auditors: the state of the platform, and what can be done about it.

Modules:
    install: adds all pages of the console to the application.

Inside: front_page; jobs, asking and job_words; messages (a search), letters, switching and stopped, people, accesses,
forecast, timed (the schedule); staff (access).

More than 15 modules, because each page is one.
"""
