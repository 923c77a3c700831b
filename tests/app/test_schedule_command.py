"""habarshy schedule, its settings, and the jobs themselves."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from prometheus_client import CollectorRegistry, generate_latest

from app.clock import VirtualClock, system_clock
from app.compose import compose
from app.roles.run_lock import run_lock
from app.scheduled import CertificateExpires, NotDeposited, check_certificates, deposit_head, schedule_of
from app.settings import SCHEDULE, load_settings
from streams.log.audit import read_head
from streams.log.chain_builder import ChainBuilder
from streams.log.signing import Signer
from streams.runtime.schedule_metrics import ScheduleMetrics
from tests.app.terminal import Terminal
from tests.app.test_alerts import ALERTS
from tests.services import promtool
from tests.world import LONG_AGO, NOON, World, card, iin, registered

DAY = timedelta(days=1)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal whose database has a log."""
    made = Terminal(tmp_path)
    assert made.run("run", "--until-idle").code == 0
    return made


def test_every_job_is_listed_with_its_next_run(terminal: Terminal) -> None:
    """What runs by itself has a time in the zone of the settings; what destroys never does, unless it is named."""
    given = {"HABARSHY_SCHEDULE_ZONE": "Asia/Almaty"}
    ended = terminal.run("schedule", "--json", "--clock", "2026-11-30T12:00Z", env=given)
    found = {each["job"]: each for each in ended.objects}
    assert (ended.code, list(found)) == (0, list(SCHEDULE))
    assert found["cleanup"]["next_at"] == "2026-11-30T12:07:00Z"
    assert found["statistics"]["next_at"] == "2026-11-30T21:40:00Z"
    assert (found["retire"]["next_at"], found["deposit"]["next_at"]) == (None, None)
    named = terminal.run(
        "schedule", "--clock", "2026-11-30T12:00Z", env=given | {"HABARSHY_SCHEDULE": '{"retire":"30 3 * * *"}'}
    )
    assert "retire: next 2026-12-01 03:30+05:00 (30 3 * * * Asia/Almaty)" in named.lines
    assert "deposit: never runs by itself" in named.lines


def test_a_job_that_does_not_run_or_fails_is_said(terminal: Terminal) -> None:
    """Who looks more than an hour after a job was due, or after it failed, is told so, and the exit code is 1."""
    data, clock = terminal.folder / "data" / "habarshy", VirtualClock(NOON)
    settings = load_settings(
        database=f"sqlite:///{data / 'habarshy.sqlite'}",
        key_file=data / "key",
        deposit_folder=terminal.folder / "nowhere",
    )
    platform = compose(settings, clock)
    kept = schedule_of(platform)
    kept.take_up()
    clock.advance_to(NOON + DAY)
    late = terminal.run("schedule", "--clock", clock().isoformat())
    assert (late.code, "nothing runs cleanup, expiry" in late.talk, "worker" in late.talk) == (1, True, True)
    for name in kept.take_up():
        kept.run(name, lambda: False)
    platform.database.close()
    folder = {"HABARSHY_DEPOSIT_FOLDER": str(terminal.folder / "nowhere")}
    failed = terminal.run("schedule", "--clock", clock().isoformat(), env=folder)
    assert (failed.code, "the last run of deposit failed" in failed.talk) == (1, True)
    assert any("deposit: next" in line and "failed (deposit_folder: " in line for line in failed.lines)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            '{"retire": "03:30"}',
            "schedule: retire: '03:30' is not a schedule (it has 1 fields of 5); write minute, hour",
        ),
        (
            '{"retry": "30 3 * * *"}',
            "schedule: no job is called 'retry' (did you mean 'retire'?); there are: cleanup",
        ),
    ],
)
def test_a_wrong_schedule_is_refused(tmp_path: Path, given: str, problem: str) -> None:
    """The error names setting, job and origin, says how a schedule is written, and the code is 2."""
    ended = Terminal(tmp_path).run("schedule", env={"HABARSHY_SCHEDULE": given})
    assert ended.code == 2
    assert problem in ended.talk
    assert "HABARSHY_SCHEDULE" in ended.talk


def test_a_wrong_zone_is_refused(tmp_path: Path) -> None:
    """What is no zone is said with how one is written."""
    ended = Terminal(tmp_path).run("schedule", env={"HABARSHY_SCHEDULE_ZONE": "Almaty"})
    assert (ended.code, "'Almaty' is no time zone; write one as Asia/Almaty" in ended.talk) == (2, True)


def run_all(world: World) -> None:
    """A process takes the schedule up, and a day later runs everything."""
    kept = schedule_of(world.platform)
    kept.take_up()
    world.at(NOON + DAY)
    for name in kept.take_up():
        kept.run(name, lambda: False)


def test_each_job_of_the_schedule_succeeds(tmp_path: Path) -> None:
    """Every job of a platform as it is installed runs through, and `retire` where it is named."""
    world = World(tmp_path, schedule={"retire": "30 3 * * *"})
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-12-20"))
    run_all(world)
    ended = {run.job: str(run.outcome) for run in schedule_of(world.platform).runs()}
    assert ended == dict.fromkeys(SCHEDULE, "done") | {"deposit": "", "verify": ""}
    world.close()


def test_a_head_is_deposited_once(world: World, tmp_path: Path) -> None:
    """The newest head has its own file, which `audit verify --head` reads; without new facts there is no other."""
    database, folder = world.platform.database, tmp_path / "worm"
    folder.mkdir()
    builder = ChainBuilder(database, Signer(b"s" * 32), world.clock)
    for _ in range(2):
        deposit_head(builder, database, folder)
    [first] = folder.iterdir()
    assert read_head(first.read_bytes()).block.number == int(first.stem.removeprefix("head-"))
    world.take(*registered(iin(1), LONG_AGO))
    deposit_head(builder, database, folder)
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(NotDeposited, match=r"deposit_folder: .*nowhere"):
        deposit_head(builder, database, tmp_path / "nowhere")


def certificate(file: Path, until: datetime) -> Path:
    """A file with a certificate that is valid until then."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begun = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = begun.serial_number(1).not_valid_before(NOON - DAY).not_valid_after(until).sign(key, hashes.SHA256())
    file.write_bytes(made.public_bytes(Encoding.PEM))
    return file


def test_a_certificate_that_expires_soon_is_told_of(tmp_path: Path) -> None:
    """Three weeks before its end the check fails, and names the setting, the file and the day."""
    file = certificate(tmp_path / "ca.pem", NOON + 30 * DAY)
    settings = load_settings(kafka_ca_file=str(file))
    check_certificates(settings, NOON)
    with pytest.raises(CertificateExpires, match=r"kafka_ca_file: .*ca\.pem is valid until 2025-0\d-\d\d only"):
        check_certificates(settings, NOON + 10 * DAY)
    file.write_text("no certificate")
    with pytest.raises(CertificateExpires, match=r"kafka_ca_file: .* cannot be read"):
        check_certificates(settings, NOON)


def test_prometheus_is_told_of_each_job(world: World) -> None:
    """Next run, last success, duration and failures of each job are among the metrics."""
    run_all(world)
    registry = CollectorRegistry()
    registry.register(ScheduleMetrics(world.platform.database))
    text = generate_latest(registry).decode()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if 'task="cleanup"' in line)
    done, due = NOON + DAY, NOON + DAY + timedelta(minutes=7)
    assert {name.partition("{")[0]: float(value) for name, value in found.items()} == {
        "habarshy_scheduled_success_timestamp_seconds": done.timestamp(),
        "habarshy_scheduled_next_timestamp_seconds": due.timestamp(),
        "habarshy_scheduled_seconds": 0.0,
        "habarshy_scheduled_failures_total": 0.0,
    }


def test_a_job_that_does_not_run_calls_somebody(tmp_path: Path) -> None:
    """An hour after its time the alert fires, and names the job."""
    fires = {
        "exp_labels": {"severity": "warning", "task": "cleanup"},
        "exp_annotations": {
            "summary": "cleanup should have run 1h 30m 0s ago",
            "description": "No process keeps the schedule, or the job before it does not end: `habarshy schedule`.",
        },
    }
    samples = {'habarshy_scheduled_next_timestamp_seconds{task="cleanup"}': [-3660.0] * 30}
    promtool.play(tmp_path, [ALERTS], samples, {"HabarshyScheduledLate": [fires]})


def test_a_job_that_is_to_run_now_runs_where_the_schedule_is_kept(terminal: Terminal) -> None:
    """Beside a `run`, `schedule --now` leaves the job to it, waits for its end, and ends as the job did."""
    data = terminal.folder / "data" / "habarshy"
    settings = load_settings(database=f"sqlite:///{data / 'habarshy.sqlite'}", key_file=data / "key")
    platform = compose(settings, system_clock)
    kept, over = schedule_of(platform), threading.Event()
    ran: list[str] = []

    def keep() -> None:
        while not over.wait(0.01):
            before = {each.job: each.started_at for each in kept.runs()}
            kept.run_due(lambda: False)
            ran.extend(each.job for each in kept.runs() if each.started_at != before[each.job])

    kept.take_up()
    keeper = threading.Thread(target=keep)
    with run_lock(platform.database.engine.url):
        keeper.start()
        done = terminal.run("schedule", "--now", "cleanup")
        failed = terminal.run("schedule", "--now", "deposit")
        over.set()
        keeper.join()
    assert (done.code, "done" in done.lines[0], failed.code, "failed" in failed.lines[0]) == (0, True, 1, True)
    assert {"cleanup", "deposit"} <= set(ran)
    platform.database.close()
