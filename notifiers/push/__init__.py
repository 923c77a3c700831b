"""Push: Web Push to browsers, Firebase Cloud Messaging to apps."""
