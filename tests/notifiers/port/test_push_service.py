import json
from datetime import UTC, datetime
from pathlib import Path

from notifiers.port.interface import Accepted, Action, GiveUp, Reason
from tests.notifiers.browsers import Clock, push, vapid_key, web_push
from tests.notifiers.push_service import push_service
from tests.services.delay import far_away

LATE = Clock(datetime(2119, 1, 1, tzinfo=UTC))  # the service looks at the wall clock, and refuses what has expired


async def test_a_push_service_by_others_decrypts_it(tmp_path: Path) -> None:
    """A push service that other people wrote verifies the token and decrypts the words, in any script."""
    links = (Action("renew", "Ауыстыру", "https://egov.test/renew"),)
    async with push_service() as service, web_push(tmp_path, service.port, LATE) as notifier:
        addresses = [await service.subscribe(vapid_key(tmp_path)) for _ in range(3)]
        outcomes = await notifier.send(
            [push(address, text=f"№ {n} 🎓", actions=links) for n, address in enumerate(addresses)]
        )
        got = [await service.read(address) for address in addresses]
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert [[message["body"] for message in browser] for browser in got] == [["№ 0 🎓"], ["№ 1 🎓"], ["№ 2 🎓"]]
    assert got[0][0]["title"] == "Жеке куәлік"
    assert got[0][0]["actions"] == [{"action": "renew", "title": "Ауыстыру", "url": "https://egov.test/renew"}]


async def test_an_ended_subscription_is_a_bad_address(tmp_path: Path) -> None:
    """A browser that has unsubscribed is given up, and the others of the batch get theirs."""
    async with push_service() as service, web_push(tmp_path, service.port, LATE) as notifier:
        gone, there = [await service.subscribe(vapid_key(tmp_path)) for _ in range(2)]
        await service.expire(gone)
        outcomes = await notifier.send([push(gone), push(there)])
        assert len(await service.read(there)) == 1
    assert outcomes[0] == GiveUp(Reason.BAD_ADDRESS, "410")
    assert isinstance(outcomes[1], Accepted)


async def test_a_key_that_the_browser_did_not_subscribe_to(tmp_path: Path) -> None:
    """A push service that refuses our key gets nothing through, and nothing counts as sent."""
    (tmp_path / "other").mkdir()
    async with push_service() as service, web_push(tmp_path, service.port, LATE) as notifier:
        address = await service.subscribe(vapid_key(tmp_path / "other"))
        (outcome,) = await notifier.send([push(address)])
        assert await service.read(address) == []
    assert outcome == GiveUp(Reason.REJECTED, "400")


async def test_distance_changes_nothing(tmp_path: Path) -> None:
    """With 20 ms each way, every message of a batch arrives once, with its own words."""
    async with push_service() as service, far_away(service.port, 0.04) as port:
        addresses = [await service.subscribe(vapid_key(tmp_path), through=port) for _ in range(4)]
        batch = [push(addresses[n % 4], recipient=f"device {n}", text=str(n)) for n in range(40)]
        async with web_push(tmp_path, port, LATE) as notifier:
            outcomes = await notifier.send(batch)
        bodies = [message["body"] for address in addresses for message in await service.read(address)]
    assert outcomes == [Accepted(message.key) for message in batch]
    assert sorted(bodies, key=int) == [str(n) for n in range(40)]
    assert json.loads(addresses[0])["endpoint"].startswith(f"http://127.0.0.1:{port}/")
