"""Conditions: the language (CEL) in which triggers, benefits and event types say when they apply.

Modules:
    language: compiles a condition and evaluates it. matching: finds the events for which a condition holds.
    cost, pattern_cost: upper bounds of what a condition or a regular expression costs.

Inside: tree, the syntax tree that the engine gives.

Fewer than six modules, because nothing else belongs to a condition.
"""
