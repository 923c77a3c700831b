"""The facts that the log keeps, in the past tense: stored as arrays, never changed, extended at the end only.

Modules:
    facts: about nudges. governance: about rules. access_facts: about access to people's data.
    principals, submissions: who acts with which rights, what waits for approval, and who may approve and publish it.
    receipts: the reports of providers. chain: blocks of facts, their hashes and proofs.
"""
