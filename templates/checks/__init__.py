"""Check packs: every finding names file, line and column.

Modules: dependents, loader, other_packs, pack_check, pattern_samples, personas, placeholders,
    possible_values, sample_check, sample_values, sense_check, shape_check, words_check.
"""
