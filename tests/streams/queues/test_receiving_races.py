"""What people write while others write about them: whose it is, is read once nobody else can change it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.event import listen

from notifiers.port.interface import Incoming
from streams.queues.dead_letters import LetterFilter
from streams.storage.tables import person_keys
from tests.streams.piecing import AIGERIM, PHONE, asked, beside, texts
from tests.streams.privacy.test_erasure import OMAR
from tests.streams.replay.test_lock_order import waits
from tests.streams.storing import PATIENCE
from tests.world import World


def known(world: World) -> list[str]:
    """Who has a key."""
    with world.platform.database.reading() as connection:
        return list(connection.execute(select(person_keys.c.person)).scalars())


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_who_is_erased_while_their_message_comes_is_no_new_person(url: str, tmp_path: Path) -> None:
    """A text that waited for the erasure of who wrote it is nobody's: no fact of it is kept, and no key is made."""
    world = await asked(tmp_path, url)
    other, erased, begun, go_on = beside(world, tmp_path), world.name(AIGERIM), threading.Event(), threading.Event()

    def pause(connection: Connection) -> None:
        query = select(person_keys.c.person).where(person_keys.c.person == erased)
        if not begun.is_set() and connection.execute(query).first() is None:
            begun.set()
            assert go_on.wait(PATIENCE)

    listen(world.platform.database.engine, "commit", pause)
    with ThreadPoolExecutor(2) as threads:
        erasure = threads.submit(world.platform.privacy.erasure.erase, erased, OMAR, "asked")
        assert begun.wait(PATIENCE)
        message = Incoming("m1", PHONE, "1")
        came = threads.submit(other.platform.delivery.inbound.receiving.received, "operator", message)
        assert waits(other.platform.database)
        go_on.set()
        erasure.result(PATIENCE)
        assert not came.result(PATIENCE)
    assert texts(world) == []
    assert world.platform.runtime.dead_letters.count(LetterFilter()) == 1
    assert erased not in known(world)
    other.close()
    world.close()
