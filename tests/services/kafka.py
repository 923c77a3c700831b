"""An Apache Kafka broker of the tests' own: one KRaft node on private ports of loopback, in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event
from typing import IO, NamedTuple

from tests.services.ports import kept_ports

GIVEN = "HABARSHY_TEST_KAFKA"
"""`host:port` of a broker to use instead, on which topics may be created and deleted."""

JARS = (Path(__file__).parents[2] / ".services" / "kafka").resolve()
CLASSES = JARS / "classes.jsa"
"""Kafka's classes as Java has them in memory, which `make services` dumps: a start takes a third less with them."""
LESSER = "lesser"
"""The user who may do only what it is granted."""
PATIENCE, LOOK_EVERY = 60.0, 0.05
"""Seconds for the broker to start or stop, and between two looks whether it has."""
_CLUSTER = "aGFiYXJzaHktdGVzdHMtMQ"
_MEMORY = ("-Xms128m", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


class NoKafka(Exception):
    """Apache Kafka is not there."""

    def __init__(self) -> None:
        super().__init__("Apache Kafka is not there. Run `make services`, or name a broker in HABARSHY_TEST_KAFKA.")


class DidNotStart(Exception):
    """Kafka did not start."""

    def __init__(self, words: str) -> None:
        super().__init__(f"Kafka did not start; its last words: {words}.")


class Certified(NamedTuple):
    """The files that the broker shows who it is with, and who signed that."""

    key: Path
    certificate: Path
    authority: Path


class Broker:
    """One node, which can be stopped and started again on the same port with the same data."""

    def __init__(
        self,
        folder: Path,
        users: Mapping[str, str] | None = None,
        certified: Certified | None = None,
        classes: Sequence[str] = (f"-XX:SharedArchiveFile={CLASSES}",),
    ) -> None:
        self._folder, self._java, self._classes = folder, shutil.which("java"), classes
        if self._java is None or not any(JARS.glob("kafka_*.jar")):
            raise NoKafka
        self._kept = ExitStack()
        port, controller = kept_ports(2, self._kept)
        self.address = f"127.0.0.1:{port}"
        self._port = port
        self._settings = folder / "server.properties"
        where = {"port": port, "controller": controller, "data": folder / "data"}
        signing_in = " ".join(f'user_{name}="{password}"' for name, password in (users or {}).items())
        trusted = "".join(f";User:{name}" for name in users or () if name != LESSER)
        text = _SETTINGS + (_ENCRYPTED if certified else _SIGNING_IN if users else _OPEN)
        if certified:
            (folder / "keystore.pem").write_text(certified.key.read_text() + certified.certificate.read_text())
            where |= {"keystore": folder / "keystore.pem", "authority": certified.authority}
        self._settings.write_text(text.format(**where, users=signing_in, trusted=trusted))
        (folder / "log4j2.properties").write_text(_LOGGING)
        known = (users or {}).items() if certified else ()
        scram = [f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]" for name, password in known]
        self._format(folder / "data", scram)
        self._process: subprocess.Popen[bytes] | None = None
        self._parent = ThreadPoolExecutor(1)  # it dies with the thread that began it, so that one must not end before

    def _format(self, data: Path, scram: Sequence[str]) -> None:
        """Have the files of an empty log: the tool that writes them takes a second, so they are kept."""
        if (found := _formatted.get(tuple(scram))) is None:
            settings = ("--cluster-id", _CLUSTER, "--config", str(self._settings))
            self._run("kafka.tools.StorageTool", "format", *settings, *scram)
            _formatted[tuple(scram)] = {path.name: path.read_bytes() for path in data.iterdir()}
            return
        data.mkdir()
        for name, content in found.items():
            (data / name).write_bytes(content)

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            DidNotStart: it ended, or took too long.
        """
        command = self._command("kafka.Kafka", str(self._settings))
        with (self._folder / "log").open("ab") as log:
            process = self._process = self._parent.submit(_begun, command, log).result()
        for _ in range(int(PATIENCE / LOOK_EVERY)):
            if process.poll() is not None:
                break
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            Event().wait(LOOK_EVERY)
        self.kill()
        raise DidNotStart(self._words())

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            self._ended()

    def kill(self) -> None:
        """End it as a failing machine would."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def change(self, name: str, password: str, now: str) -> None:
        """Give a user another password, which takes a stop and a start."""
        self.stop()
        text = self._settings.read_text()
        self._settings.write_text(text.replace(f'user_{name}="{password}"', f'user_{name}="{now}"'))
        self.start()

    def pause(self) -> None:
        """It does nothing any more, until it resumes."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it, for good."""
        self.kill()
        self._parent.shutdown()
        self._kept.close()

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait(PATIENCE)
        self._process = None

    def _run(self, tool: str, *arguments: str) -> None:
        done = subprocess.run(self._command(tool, *arguments), capture_output=True, check=False)  # noqa: S603  (our own arguments)
        if done.returncode != 0:
            raise DidNotStart((done.stdout + done.stderr).decode()[-2000:])

    def _command(self, main: str, *arguments: str) -> list[str]:
        own = (f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}", f"-Djava.io.tmpdir={self._folder}")
        with_us = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []  # also where we are killed
        return [*with_us, str(self._java), *_MEMORY, *self._classes, *own, "-cp", f"{JARS}/*", main, *arguments]

    def _words(self) -> str:
        return (self._folder / "log").read_text()[-2000:]


def _begun(command: Sequence[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603  (our own)


_formatted: dict[tuple[str, ...], dict[str, bytes]] = {}
"""Users who sign in by SCRAM -> the files of an empty log, by their names."""


@contextmanager
def server() -> Iterator[str]:
    """The address of a running broker, stopped and removed afterwards.

    Raises:
        DidNotStart, NoKafka: with what to do about it.
    """
    if given := os.environ.get(GIVEN):
        yield given
        return
    with own() as broker:
        yield broker.address


@contextmanager
def own(users: Mapping[str, str] | None = None, certified: Certified | None = None) -> Iterator[Broker]:
    """A running broker that the test may stop and start; with users (name -> password) all have to sign in.

    By PLAIN, where LESSER may do what it is granted and no more; or where it is certified, over TLS and
    by SCRAM-SHA-512.
    """
    with (
        tempfile.TemporaryDirectory(prefix="habarshy-kafka-") as folder,
        closing(Broker(Path(folder), users, certified)) as broker,
    ):
        broker.start()
        yield broker


_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENTS
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
metadata.max.idle.interval.ms=0
num.network.threads=1
num.io.threads=2
background.threads=1
"""
_OPEN = "listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT\n"
_SIGNING_IN = """\
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  username="broker" password="own" user_broker="own" {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:broker{trusted}
"""
_ENCRYPTED = """\
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  username="broker" password="own" user_broker="own";
listener.name.clients.scram-sha-512.sasl.jaas.config=\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
_LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


def _dump_classes() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, CLASSES.name)
        with closing(Broker(Path(folder), classes=(f"-XX:ArchiveClassesAtExit={made}",))) as broker:
            broker.start()
            broker.stop()
        shutil.move(made, CLASSES)


if __name__ == "__main__":
    _dump_classes()
