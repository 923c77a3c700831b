"""Identities and their proofs: principals with their keys, pseudonyms, signed links and codes, and the key files.

Modules: authenticity_codes, erased_list, key_file, links, log_codes, principals, private_files,
    retired_list.
"""
