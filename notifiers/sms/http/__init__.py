"""SMS over the HTTP interface of a gateway.

Inside: notifier and options (the kind `http_sms`); requests (how the gateway wants them), status_query.

Fewer than six modules, because a gateway is described by its settings.
"""
