"""SMS over SMPP 3.4.

Inside: notifier and config (the kind `smpp`); dial, link, pdus and status (the connection); outbox, encoding, pace
and late_answers (messages out); arrivals, content, receipts and bounded_memory (messages and receipts in).
"""
