"""Decisions on due nudges: settle them, render them, gather them into digests. Nothing here sends.

Modules:
    case: a delivery with what was read for the decision, and the decision.
    decision_inputs: reads in bulk what decisions depend on.
    as_sent: nudges as they were planned when they were sent.
    settling: what a claim found, and the decisions on it.
    rendering: the text of a case in all channels; needs Jinja.
    overflow: chooses the digest for what exceeds the cap.
    digesting: the cap and the digest, checked in the transaction that commits.
    restore_doubt: what may have been sent before a restore from a backup.
Tables: none.
Facts: prepares NudgeWithheld, NudgeDeferred, NudgeExpired, NudgeFailed, NudgeDigested and NudgeGathered.
"""
