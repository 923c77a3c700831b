"""Words: the sandboxed language of messages, compiled and rendered for each channel.

Modules:
    policy, syntax, environment: the part of Jinja that words may use. filters: dates, money and numbers.
    tags: finds the tags of Jinja in a text that may be wrong.
    field_words: what fields are called. compiled_texts: compiled words.
    rendering, renderers: from words and values to the texts of each channel.
    markdown, footer, emblems, questions, digest_words: emails, proofs, pictures, replies, and the digest.

Inside: email_layout, simple (texts that only name values).
"""
