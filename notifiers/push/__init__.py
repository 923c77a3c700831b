"""Push: Web Push to browsers (RFC 8030, 8291, 8292), Firebase Cloud Messaging to apps.

Inside: web_push, web_push_options, subscription, vapid and service_standing (browsers); fcm and google_account
(apps); messages (the content); sealing, sealer, sealers, sealer_jobs and sealer_child (encryption in processes of its
own).
"""
