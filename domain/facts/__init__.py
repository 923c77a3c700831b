"""The facts that the log keeps, in the past tense.

Modules: access_facts, chain, facts, governance, principals, receipts, submissions.
"""
