"""Who acts, and the files and links that prove it: keys, principals, signed links.

Modules: authenticity_codes, erased_list, key_file, links, log_codes, principals, private_files,
    retired_list.
"""
