"""Event types, triggers, benefits and the rulebook, compiled from plain data.

Modules: benefits, built_in_triggers, compiler, compiling, event_types, joint_events, legal_basis,
    parameters, replies, residence, rulebook, steps, triggers.
"""
