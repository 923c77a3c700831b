"""SMS, by SMPP (`smpp`) and by HTTP gateways (`http`).

Modules:
    phone: phone numbers in E.164.
"""
