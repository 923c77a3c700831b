"""Plain-data answers that the command line, the API and assistants share.

Modules: assistant, entitlements, erasure_certificate, evidence_file, forecast_sums, life_words,
    plain_data, stopped.
"""
