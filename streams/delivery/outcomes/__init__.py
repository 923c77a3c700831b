"""Outcomes of attempts: record them, match receipts to them, keep the suppression list.

Modules:
    attempts: an attempt with its message and provider.
    recording: the transactions that append decisions, attempts and outcomes; group_commit: batches them.
    hand_over_journal: tells after a kill which attempts were handed to a provider.
    unconfirmed: attempts whose commit the database did not confirm.
    outcome_facts: what follows from an outcome (another attempt, the next channel, the end).
    receipt_facts: what a receipt says that is new.
    receipts: reports of providers and readers, begin with `Receipts.record_reports`; early_receipts: those that come
        before the outcome of their attempt is committed.
    references: finds the attempt of a report, by our own name or by the part of a long SMS.
    late_acceptances: an acceptance that comes after the attempt was given up as unknown.
    suppression: addresses not written to any more, and which reports of bounces count.
    conversations: which messages and questions went to a telephone number.
Tables: early_receipts, sent_parts, conversations.
Facts: NudgeAttempted, NudgeSent, NudgeFailed, NudgeUnknown, NudgeDelivered, NudgeOpened, and the decisions' facts;
    the life event citizen.address_refused.
"""
