"""The port that every notifier implements, its contract as tests, and the shipped fake.

Modules:
    interface: messages, outcomes, reports and the protocols. kinds: the kinds of provider, by entry point.
    routes: the providers of a channel with their circuit breakers. standing: whether a refusal is about us.
    message_names: our names for messages. parallel_requests: limits on requests at a time. links: those that
    are kept open. fake: the fake.

Inside: contract, the tests that every notifier must pass.
"""
