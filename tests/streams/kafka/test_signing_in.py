"""Who we say we are to Kafka and to PostgreSQL: the right words work, the wrong ones end a role and are told."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from app.compose_sending import compose_engine
from notifiers.port.fake import FakeNotifier
from notifiers.port.routes import single_routes
from streams.kafka.brokers import Brokers
from streams.kafka.producer import Record, Sender
from streams.kafka.topics import Topics
from streams.runtime.scheduler import DISPATCH
from streams.storage.errors import DatabaseUnavailable
from tests.notifiers.authority import Authority
from tests.services import kafka as broker
from tests.services import postgres
from tests.services.postgres_server import Server
from tests.streams.distributed import Country, country, ended, eventually, everyday, process, says, working
from tests.streams.kafka.test_roles import DATABASE_ROLES, KAFKA_ROLES
from tests.streams.registries import STRUCTURED, body
from tests.streams.storing import PATIENCE
from tests.world import card, iin


def test_roles_sign_in_over_tls(server: URL, tmp_path: Path) -> None:
    """Over TLS by an authority of one's own, with SCRAM, relay and worker work; a refused one ends with 3."""
    authority = Authority(tmp_path)
    leaf = authority.leaf()
    certified = broker.Certified(leaf.key, leaf.certificate, authority.file)
    with broker.own({"habarshy": "right"}, certified) as kafka:
        trusted = Brokers(kafka.address, tls=True, ca_file=str(authority.file))
        signed_in = msgspec.structs.replace(trusted, username="habarshy", password="right")
        with country(server, signed_in, tmp_path) as land:
            assert_roles_work(land)
            for role in KAFKA_ROLES:
                assert_refused(land, role, "SASL authentication", HABARSHY_KAFKA_PASSWORD="wr0ng")
            assert_refused(land, ["relay"], "certificate", HABARSHY_KAFKA_CA_FILE="")
            plain = process(land, "relay", HABARSHY_KAFKA_TLS="false")
            says(plain, "expects TLS")  # it is waited for, as any that closes the connection
            plain.send_signal(signal.SIGTERM)
            ended(plain)


def assert_roles_work(land: Country) -> None:
    """A worker of this process, then relay and worker as processes, plan what comes, and end well."""
    land.take(*everyday(3))
    land.relayed()
    with working(land):
        eventually(lambda: not land.unplanned(), 2 * PATIENCE)
    assert land.platform.intake.accept(everyday(4))
    roles = [process(land, "relay"), process(land, "worker")]
    eventually(lambda: not land.unplanned(), 3 * PATIENCE)
    for role in roles:
        role.send_signal(signal.SIGTERM)
        assert ended(role)[0] == 0


def assert_refused(land: Country, role: list[str], words: str, **environment: str) -> None:
    """The role ends with 3, says what to look at, and neither a password nor a traceback."""
    code, said = ended(process(land, *role, **environment))
    assert (code, words in said, "HABARSHY_KAFKA_USERNAME and _PASSWORD" in said) == (3, True, True), said
    assert not any(each in said for each in ("Traceback", "wr0ng"))


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A server at which all have to sign in."""
    with postgres.own("right") as made:
        yield made


@pytest.fixture
def land(guarded: Server, tmp_path: Path) -> Iterator[Country]:
    """A platform that may use it; no Kafka is needed."""
    with postgres.fresh(guarded.url) as at:
        made = Country(at, Brokers("127.0.0.1:1"), tmp_path)
        yield made
        made.platform.database.close()


@pytest.mark.parametrize("role", [*DATABASE_ROLES, ["status"]])
def test_a_wrong_password_ends_the_role(land: Country, role: list[str]) -> None:
    """Where PostgreSQL refuses the password, every role ends with 3, says so and what to check, and no secret."""
    wrong = make_url(land.url).set(password="wr0ng").render_as_string(hide_password=False)
    code, said = ended(process(land, *role, HABARSHY_DATABASE=wrong))
    assert (code, said.count("\n")) == (3, 1), said
    assert 'password authentication failed for user "postgres". Check HABARSHY_DATABASE' in said
    assert "wr0ng" not in said


@contextmanager
def shut_out(land: Country) -> Iterator[None]:
    """Whoever is on the database is put out, and comes in with another password only."""
    plain = make_url(land.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute("ALTER USER postgres PASSWORD 'another'")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        yield
        admin.execute("ALTER USER postgres PASSWORD 'right'")


@pytest.mark.parametrize("role", KAFKA_ROLES)
def test_a_password_that_is_changed_ends_the_role(land: Country, kafka: str, role: list[str]) -> None:
    """A role whom the database refuses from now on ends with 3 and the same words as one that never came in."""
    running = process(land, *role, HABARSHY_KAFKA=kafka)
    says(running, "relaying to", "working on")
    with shut_out(land), closing(Sender(Brokers(kafka))) as sender:
        topics = Topics(Brokers(kafka), land.topics.prefix)
        sender.send([Record(topics.life_in, None, body(card(iin(1), "2025-12-20")), STRUCTURED)])
        code, said = ended(running)
    assert (code, "Check HABARSHY_DATABASE" in said, "Traceback" in said) == (3, True, False), said


async def test_a_password_that_is_changed_ends_a_dispatcher(land: Country) -> None:
    """What sends, and is refused from now on, ends with the same failure, and does not go on trying."""
    engine = compose_engine(land.platform, single_routes({"email": FakeNotifier("email", list[object]().append)}))
    going = asyncio.create_task(engine.until(asyncio.Event(), only=DISPATCH))
    with shut_out(land), pytest.raises(DatabaseUnavailable, match="Check HABARSHY_DATABASE"):
        await asyncio.wait_for(going, PATIENCE)
