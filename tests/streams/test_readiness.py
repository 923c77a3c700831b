"""What roles say at /readyz while they run and have nothing to do."""

import re
import signal
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from subprocess import Popen

from tests.streams.distributed import ended, eventually, own_land, process
from tests.streams.storing import PATIENCE
from tests.world import LONG_AGO, iin, registered

ROLES = (["relay"], ["relay"], ["worker"], ["worker", "--intake"])
"""The second relay waits for its turn."""


def port_of(running: "Popen[str]") -> int:
    """Where a role has its health port."""
    assert running.stderr is not None
    lines = iter(running.stderr.readline, "")
    return next(int(found[1]) for line in lines if (found := re.search(r"health on http://127.0.0.1:(\d+)", line)))


def ready(port: int) -> tuple[int, str]:
    """What a role answers at /readyz; 0 where it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def test_readyz_tells_that_kafka_is_away_from_roles_with_nothing_to_do(tmp_path: Path) -> None:
    """Where Kafka stops under a running role that is idle, it is not ready and says why, until Kafka is back."""
    with own_land(tmp_path) as (land, kafka):
        land.take(*registered(iin(1), LONG_AGO))
        land.topics.ensure()
        roles = [process(land, *role, "--health-port", "0") for role in ROLES]
        ports = [port_of(role) for role in roles]
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


def answers(port: int, status: int, words: str = "") -> bool:
    """Whether the role answers so."""
    found, said = ready(port)
    return found == status and words in said
