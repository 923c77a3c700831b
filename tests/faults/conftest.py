from collections.abc import Iterator

import pytest

from tests.faults.post import Post, post


@pytest.fixture
def mail() -> Iterator[Post]:
    """A mail server."""
    with post() as made:
        yield made
