"""Event types, triggers, benefits and the rulebook, compiled from plain data.

Modules:
    event_types, parameters, benefits: the catalogue that packs declare. benefit_compiling: benefits from plain data.
    triggers, steps, joint_events, legal_basis: a trigger and its parts. trigger_keys: its keys.
    reply_fields: the fields that a reply can fill in.
    trigger_compiling, compiler_base: from plain data to a trigger. built_in_triggers: the platform's own.
    errors: the error of a rule that does not compile.
    rulebook: all published versions, each with its reach and its canary.

Inside: parts and step_compiling (compilers of parts). More than 15 modules, because each section of a pack's files is
one.
"""
