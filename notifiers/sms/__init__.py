"""SMS, by SMPP and by HTTP gateways.

Modules: phone.
"""
