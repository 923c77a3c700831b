"""Help authors: scaffold, preview, and differences in words.

Modules: pack_diff, preview, rule_sentences, scaffold, text_diff, trigger_diff, value_words.
"""
