"""The HTTP API: what registries, portals, providers and officials' systems reach over the network.

Modules:
    events, citizens, trails, governing, drafting, backtest_calls, job_calls, schedule_calls, assistant_calls: routes
    for callers by key.
    receipts, gateways, seen: routes that providers and browsers call.
    health, role, presence: probes, metrics and signs of life of every long-running role.
    access, admission, limits, bulkhead, idempotency: who may call, how much, how often, how much at a time, and once.
    bodies, cursors, problems, openapi, head, request_log: bodies, pages of lists, errors, description, HEAD, the log.
    routes: calls and pages whose methods have the paths of their routes.
    rule_refusals: refusals of the commands that govern the rules, as problems.

Inside: binding (CloudEvents), draft_shapes, person_shapes and shapes (bodies of answers), metrics, signatures. More
than 15 modules, because each group of routes is one, and so is each rule that holds for all routes.
"""
