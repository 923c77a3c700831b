"""Sending: dispatch what is due to the providers.

Modules:
    dispatch: the whole way of a delivery, step by step; begin here.
    claiming: claims due deliveries for a lease, and decides on them.
    admission: waits for slots and permits. routing: providers, rates and calls; fair_ordering: the order.
    rate_limits: messages a second; concurrency: open attempts; task_group: tasks that outlive a failure.
    message: builds the message and the attempt of a case. hand_over: gives attempts to providers, records outcomes.
    fan_out: a push message for each device of its recipient.
    status_query: asks providers about unknown outcomes.
    metrics: counts outcomes.
    trial_send: sends a draft to a colleague; staff_notice: mails officials about submissions.
    fake_outbox: keeps what the shipped fake would have sent.
Tables: paces, fake_messages.
Facts: as in streams.delivery.outcomes; SentAsTest.
"""
