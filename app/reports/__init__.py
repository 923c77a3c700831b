"""Answers as plain data or lines, shared by the command line, the API and assistants.

Modules:
    assistant: the tools of an assistant for one person (MCP). entitlements: answers about benefits.
    evidence_file, erasure_certificate: proofs that somebody can keep. plain_data: explanations as plain data.
    condition, findings: the condition of the platform, and what is wrong with it.
    life_words, stopped: reasons of nudges, and active kill switches, in English. forecast_sums: sums of a forecast.
"""
