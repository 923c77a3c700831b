"""HTTP for the notifiers that speak it.

Modules:
    client: requests with limits of time and size, without redirects. options, notifier: what all of them share.
    addresses: addresses that are safe to call. refusals: the meaning of answers without success.

Fewer than six modules, because notifiers of three channels share only this.
"""
