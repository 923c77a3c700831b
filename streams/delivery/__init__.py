"""Delivery: decide on due nudges, send them, record the outcomes, and take in what comes back.

Packages:
    decide: settles a delivery and renders it; knows nothing of sending.
    outcomes: the facts of attempts and receipts, and the suppression list.
    admission: whether a provider may get a delivery now: links, order, open attempts and rates.
    send: the dispatcher; begin with send/dispatch.py.
    inbound: replies, opt-outs, preferences, long SMS, and webhooks to agencies.
Order: send | inbound > admission > outcomes > decide. `wiring.build` makes what needs no notifier.
Tables: early_receipts, sent_parts, conversations, pieces, paces, fake_messages.
"""
