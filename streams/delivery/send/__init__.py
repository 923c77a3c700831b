"""Sending: dispatch what is due to the providers.

Modules:
    dispatch: the whole way of a delivery, step by step; begin here.
    claiming: claims due deliveries for a lease. deciding: decides on what was claimed.
    recovery: ends the attempts that dead processes left open.
    message: builds the message and the attempt of a case. hand_over: gives attempts to providers, records outcomes.
    status_query: asks providers about unknown outcomes.
    metrics: counts outcomes.
    trial_send: sends a draft to a colleague; staff_notice: mails officials about submissions.
    fake_outbox: keeps what the shipped fake would have sent.
Tables: fake_messages.
Facts: as in streams.delivery.outcomes; SentAsTest.
"""
