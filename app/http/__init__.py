"""The HTTP API: what registries, portals, providers and officials' systems reach over the network.

Modules:
    events, citizens, trails, governing, drafting, backtest_calls, job_calls, schedule_calls, assisting: routes for
    callers by key.
    receipts, gateways, seen: routes that providers and browsers call.
    health, role, presence: probes, metrics and signs of life of every long-running role.
    access, admission, limits, heavy, repeating: who may call, how much, how often, how much at a time, and once only.
    bodies, cursors, problems, openapi, head, served: bodies, pages of lists, errors, description, HEAD, request log.
    routes: calls and pages whose methods have the paths of their routes.
    rule_refusals: refusals of the commands that govern the rules, as problems.

Inside: binding (CloudEvents), draft_shapes, person_shapes and shapes (bodies of answers), metrics, signatures. More
than 15 modules, because each group of routes is one, and so is each rule that holds for all routes.
"""
