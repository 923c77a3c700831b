"""Checks of packs: every finding names file, line and column, and guesses what was meant.

Modules:
    loader: reads packs and runs all checks. other_packs: the packs that the named ones depend on.
    declarations: what packs declare besides their triggers, and the cache of checks.
    pack_check, shape_check, words_check, sample_check, sense_check: checks that commands also use by themselves.
    scaffold_text: the text that `habarshy new` writes. placeholders: where nobody has replaced it.
    personas: invented people.
    dependents: what reads a field, an attribute or a parameter.
    sample_values, pattern_samples, possible_values: made-up data of events, and the values that a field can have.
    sample_events: made-up events for trying words, with no check, so that a confined child begins soon.

Inside: trigger_check, event_check, benefit_check, services_check, reply_check, retention_check, link_check,
cost_check, literal_check, unfilled_places. More than 15 modules, because each check is one.
"""
