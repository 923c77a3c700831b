"""Words: the sandboxed language of messages, compiled and rendered for each channel.

Modules: compiled_texts, digest_words, environment, filters, footer, markdown, policy, questions,
    renderers, rendering, syntax.
"""
