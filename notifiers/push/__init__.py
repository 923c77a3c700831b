"""Push: Web Push to browsers (RFC 8030, 8291, 8292), Firebase Cloud Messaging to apps.

Modules:
    subscription, vapid, web_push_options: what the page needs on which browsers subscribe.

Inside: web_push and push_services (browsers); fcm and google_account (apps); messages (the content); sealing
(encryption).
"""
