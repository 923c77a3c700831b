"""Who acts, and the files and links that prove it: keys, principals, signed links."""
