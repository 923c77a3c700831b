"""Whether a URL of SQLite's names a file: what is kept in memory would be gone with the process."""

from sqlalchemy import URL

_IN_MEMORY = (None, "", ":memory:")


def names_a_file(url: URL) -> bool:
    """Whether it does, by its path: one of SQLite's own URIs may mean memory, and is taken for a path elsewhere."""
    return url.database not in _IN_MEMORY and not str(url.database).startswith("file:")
