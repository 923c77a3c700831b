"""Take what people and providers send back: replies, preferences, webhooks."""
