"""Inbound: what people and providers send back, and the webhooks that tell agencies of it.

Modules:
    receiving: reports, late answers and SMS of a provider.
    replies: answers to a nudge.
    opt_outs: opt-outs by the link or the number of a nudge.
    preferences: preferences, consents and disputes of a person.
    devices: a person's devices for push messages.
    own_limits: how often a person may change something by themselves.
    sms_parts: puts long SMS together.
    webhooks: tells agencies of answers and disputes.
Tables: pieces.
Facts: NudgeAnswered; the life events of replies, and citizen.preferences_changed, citizen.consent_given,
    citizen.consent_withdrawn, citizen.devices_changed, citizen.disputed and citizen.message_received.
"""
