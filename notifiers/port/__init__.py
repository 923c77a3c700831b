"""The port that every notifier implements, its contract as tests, and the shipped fake.

Modules: blame, fake, interface, kinds, message_names, parallel_requests, routes.
"""
