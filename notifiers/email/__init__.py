"""Email over SMTP: letters out, bounces back.

Modules:
    bounces: reads the reports in mails that came back.

Inside: notifier and config (the kind `smtp`); mime, addresses and verp (letters); smtp_pool, smtp_session, smtp_dial
and smtp_replies (the conversation with the server).
"""
