"""What roles say on their health ports while they run."""

import signal
import urllib.error
import urllib.request
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from sqlalchemy.engine import URL

from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import KafkaLag
from tests.notifiers.browsers import vapid_file
from tests.streams.distributed import Country, ended, eventually, health_port, own_land, process, working
from tests.streams.storing import PATIENCE
from tests.world import LONG_AGO, fine, iin, registered

ROLES = (["relay"], ["relay"], ["worker"], ["worker", "--intake"])
"""The second relay waits for its turn."""


def said(port: int, path: str = "readyz") -> tuple[int, str]:
    """What a role answers there; 0 where it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def test_readyz_tells_that_kafka_is_away_from_roles_with_nothing_to_do(server: URL, tmp_path: Path) -> None:
    """Where Kafka stops under a running role that is idle, it is not ready and says why, until Kafka is back."""
    with own_land(server, tmp_path) as (land, kafka):
        land.take(*registered(iin(1), LONG_AGO))
        land.topics.ensure()
        roles = [process(land, *role, "--health-port", "0") for role in ROLES]
        ports = [health_port(role) for role in roles]
        for port in ports:
            eventually(partial(answers, port, 200), 2 * PATIENCE)
        eventually(lambda: not land.unplanned(), 2 * PATIENCE)
        kafka.kill()
        for port in ports:
            eventually(partial(answers, port, 503, "Kafka"), 2 * PATIENCE)
        kafka.start()
        for port in ports:
            eventually(partial(answers, port, 200), 2 * PATIENCE)
        for role in roles:
            role.send_signal(signal.SIGTERM)
        assert [ended(role)[0] for role in roles] == [0] * len(ROLES)


LONG = {"HABARSHY_KAFKA_SESSION_SECONDS": "120"}
"""So long that nothing of what is waited for below waits for its end."""


def shares(land: Country) -> dict[str, frozenset[int]]:
    """The partitions of each worker, by the name by which the group knows it."""
    admin = AdminClient(land.topics.brokers.client())
    [found] = admin.describe_consumer_groups([land.topics.group("worker")]).values()
    return {
        str(each.group_instance_id): frozenset(one.partition for one in each.assignment.topic_partitions)
        for each in found.result(PATIENCE).members
    }


def test_a_killed_worker_stops_no_other(land: Country) -> None:
    """While a worker is dead the others plan their share, and one that comes back has its own at once."""
    land.take(*registered(iin(1), LONG_AGO))
    land.topics.ensure()
    roles = [process(land, *role, "--health-port", "0", **LONG) for role in (["relay"], ["worker"], ["worker"])]
    for port in [health_port(each) for each in roles]:
        eventually(partial(answers, port, 200), 4 * PATIENCE)
    eventually(lambda: not land.unplanned(), 2 * PATIENCE)
    before = shares(land)
    assert sorted(before) == ["worker-0", "worker-1"]
    killed = roles.pop()
    killed.kill()
    land.take(*(event for person in range(2, 40) for event in registered(iin(person), LONG_AGO)))
    waiting = land.unplanned()
    eventually(lambda: land.unplanned() < waiting, 2 * PATIENCE)
    roles.append(process(land, "worker", "--health-port", "0", **LONG))
    eventually(partial(answers, health_port(roles[-1]), 200), 2 * PATIENCE)
    eventually(lambda: not land.unplanned(), 2 * PATIENCE)
    assert shares(land) == before
    for role in roles:
        role.send_signal(signal.SIGTERM)
        assert ended(role)[0] == 0


def test_a_worker_without_a_share_is_not_ready(land: Country) -> None:
    """Before the group has told a worker what its share is, it is not ready and says so."""
    with working(land) as worker:
        assert "has not assigned partitions" in worker.unready
        eventually(lambda: not worker.unready, 2 * PATIENCE)


def answers(port: int, status: int, words: str = "", path: str = "readyz") -> bool:
    """Whether the role answers so."""
    found, words_said = said(port, path)
    return found == status and words in words_said


NOBODY_THERE = """\
[providers.mail]
kind = "smtp"
host = "127.0.0.1"
port = 1
sender = "habarshy@gov.example"

[providers.gateway]
kind = "http_sms"
url = "http://127.0.0.1:1/"
sender = "1414"

[providers.browsers]
kind = "web_push"
subject = "mailto:push@gov.example"
key_file = "{key}"
"""


def test_a_dispatcher_answers_on_its_health_port(land: Country, tmp_path: Path) -> None:
    """It says that it lives, that it is ready, and what became of what it tried; and it ends well when asked to."""
    land.take(*registered(iin(1), LONG_AGO), fine(iin(1), "F1", "2025-06-02T11:00:00+05:00"))
    land.platform.planning.planning.drain()
    (tmp_path / "habarshy").mkdir()
    (tmp_path / "habarshy" / "config.toml").write_text(NOBODY_THERE.format(key=vapid_file(tmp_path)))
    running = process(land, "dispatch", "--health-port", "0", XDG_CONFIG_HOME=str(tmp_path))
    port = health_port(running)
    eventually(partial(answers, port, 200, '"ready"'), 2 * PATIENCE)
    assert said(port, "livez") == (200, '{"status":"alive"}')
    tried = 'habarshy_attempts_total{channel="sms",outcome="failed",provider="gateway",reason="unreachable"} 1.0'
    eventually(partial(answers, port, 200, tried, path="metrics"), 2 * PATIENCE)
    running.send_signal(signal.SIGTERM)
    assert ended(running)[0] == 0


def test_a_broker_that_goes_away_in_the_midst_of_a_look_is_noticed(server: URL, tmp_path: Path) -> None:
    """The last question of a look has a limit too: a role that waits for its answer would seem ready for ever."""
    with own_land(server, tmp_path) as (land, kafka):
        land.topics.ensure()
        with closing(KafkaLag(land.topics, "worker", land.topics.persons, land.clock, joins=True)) as lag:
            lag.partitions()
            kafka.kill()
            assert lag._consumer is not None
            with pytest.raises(KafkaUnavailable):
                lag._require_read(lag._consumer)
        kafka.start()
