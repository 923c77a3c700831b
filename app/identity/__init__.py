"""Identities and their proofs: principals with their keys, pseudonyms, signed links and codes, and the key files.

Modules:
    principals: the file of people and systems that may act, and the owner of a token.
    key_file, private_files: the secret keys and their file. log_codes: the codes of the log's rows.
    links, authenticity_codes: signed links in messages, and codes by which a message is checked.
    meant_persons: the person meant by a national id or a pseudonym.
    erased_list, retired_list: what must stay erased when the database comes back from a backup.
"""
