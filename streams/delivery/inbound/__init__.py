"""Take what people and providers send back: replies, preferences, webhooks.

Modules: preferences, receiving, replies, sms_parts, webhooks.
"""
