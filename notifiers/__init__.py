"""Notifiers: a message out, a receipt back.

One port (`port`), one package for each channel (`sms`, `email`, `push`), a shipped fake and one contract for all. An
outside package adds a kind of provider by an entry point (docs/adding-a-notifier.md).
"""
