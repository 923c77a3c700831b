"""Record what became of attempts: outcomes, receipts, the suppression list.

Modules: attempts, conversations, group_commit, late_answers, outcomes, receipts, recording,
    sent_parts, suppression.
"""
