"""A fact in the log that cannot be read: whoever meets it says where it stands, and goes no further."""


class DamagedFact(Exception):
    """The fact at position {position} of the log cannot be read ({cause}): it is not as it was written.

    `habarshy audit verify` names all such facts. Keep the database as it is, and restore it from a backup.
    """

    def __init__(self, position: int, cause: Exception) -> None:
        words = " ".join((type(self).__doc__ or "").split())  # of the cause only the name: the rest may hold data
        super().__init__(words.format(position=position, cause=type(cause).__name__))
