"""How many examples the properties are tried on that take a platform for each."""

import os

TIMES = "HABARSHY_TEST_EXAMPLES"


def examples(count: int) -> int:
    """Return the count, or HABARSHY_TEST_EXAMPLES times as many where there is time for them."""
    return count * int(os.environ.get(TIMES, "1"))
