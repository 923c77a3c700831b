"""The error for a fact that was altered or damaged. Here apart, because codes and decoding both raise it."""


class DamagedFact(Exception):
    """Raised for a fact of the log that cannot be read; its reader stops there.

    The message has only the name of the cause's class, because its text may hold personal data.
    """

    def __init__(self, position: int, cause: Exception) -> None:
        super().__init__(
            f"The fact at position {position} of the log cannot be read ({type(cause).__name__}): it is not as it was"
            " written. `habarshy audit verify` names all such facts. Keep the database as it is, and restore it from"
            " a backup."
        )
