"""Send what is due: claim, commit attempts, hand over to providers, keep rates.

Modules: concurrency, dispatch, message, metrics, outbox_fake, rate_limits, sending, test_send.
"""
