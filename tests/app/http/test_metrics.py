"""What a role says on its health port, and the alert rules over it."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from msgspec import structs
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.clock import VirtualClock
from app.http.metrics import GAUGES, Own, exposition
from app.http.role import ServedRole, role_application
from app.scheduled import schedule_of
from app.server import application
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Message, Reason, RetryLater
from notifiers.port.routes import single_routes
from streams.delivery.send.metrics import skipped_providers, with_metrics
from streams.intake.intake import IntakeCounters
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.lag import Lag
from streams.queries.health import Status, read_status
from streams.runtime.schedule_metrics import ScheduleMetrics
from tests.notifiers.port.test_routes import message
from tests.world import LONG_AGO, NOON, World, card, iin, registered

DEPLOY = Path(__file__).parents[3] / "deploy"
ALERTS, DASHBOARD = DEPLOY / "alerts.yaml", DEPLOY / "grafana.json"
LAGS = [Lag(3, 1.5), Lag(7, 20.0, "persons", 11)]
GATEWAY = ("gateway", "sms")
OWN = Own({("bad_json",): 2}, {(*GATEWAY, "failed", "unreachable"): 3}, {GATEWAY: True})
COUNTERS = {"reconciled", "dead_events", "refused_events", "attempts", "scheduled_failures"}
LABELS = {
    "cause",
    "role",
    "topic",
    "partition",
    "code",
    "provider",
    "channel",
    "outcome",
    "reason",
    "scope",
    "name",
    "task",
}


def now(world: World) -> Status:
    """How the world stands."""
    on = world.platform
    return read_status(on.database, on.log, on.replay.follower, world.clock())


def asked(role: ServedRole) -> TestClient:
    """Asks on the health port of the role."""
    return TestClient(role_application(role), raise_server_exceptions=False)


def shown_by_all(world: World) -> str:
    """What the roles show, the one after the other, and what they show of a schedule that has run once."""
    known, registry, clock = now(world), CollectorRegistry(), VirtualClock(world.clock())
    schedule = schedule_of(structs.replace(world.platform, clock=clock))
    schedule.take_up()
    clock.advance_to(clock() + timedelta(hours=1))
    schedule.run("cleanup", lambda: False)
    registry.register(ScheduleMetrics(world.platform.database))
    roles = ("relay", "intake", "dispatch")
    shown = "".join(exposition(role, known, LAGS, OWN, ready=True).decode() for role in roles)
    return shown + generate_latest(registry).decode()


def away() -> list[Lag]:
    """A lag that cannot be read."""
    raise KafkaUnavailable("127.0.0.1:1", "refused")


def test_every_metric_of_the_alerts_exists(world: World) -> None:
    """Each alert rule reads metrics and labels that a role really shows, and says what is the matter."""
    shown = shown_by_all(world)
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]:
        names = set(re.findall(r"habarshy_\w+", rule["expr"])) - {"habarshy_wanted"}  # deploy/wanted.yaml makes it
        assert names or "up{" in rule["expr"], rule
        assert all(re.search(rf"^{name}[ {{]", shown, re.MULTILINE) for name in names), rule["alert"]
        assert rule["annotations"]["summary"]


def test_the_dashboard_shows_every_metric(world: World) -> None:
    """Each panel reads metrics and labels that a role really shows, and none of the metrics is left out."""
    shown = shown_by_all(world) + shown_by_registries(world)
    exported = names(shown)
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    read = {name.removesuffix("_bucket") for each in asked for name in re.findall(r"habarshy_\w+", each)}
    assert read == exported
    grouped = ", ".join(some for each in asked for some in re.findall(r"by \(([\w, ]+)\)", each))
    assert set(grouped.split(", ")) <= LABELS | {
        "le",
        "route",
        "status",
        "what",
        "type",
        "agency",
        "version",
        "instance",
    }
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_metrics_say_their_unit_and_name_nobody(world: World) -> None:
    """Times are in seconds and say so, counters end in total, everything else counts what it is called; no label
    could hold a person.
    """
    world.take(*registered(iin(1), LONG_AGO))
    for family in text_string_to_metric_families(shown_by_all(world)):
        name = family.name.removeprefix("habarshy_")
        assert (
            name.endswith("_seconds")
            or (family.type == "counter" and name in COUNTERS)
            or name in {"ready", "lag", "provider_passed_by", "unknown"}
            or (name in GAUGES and "second" not in GAUGES[name].lower())
        ), name
        assert {label for sample in family.samples for label in sample.labels} <= LABELS


def test_lag_is_shown_as_a_count_and_in_seconds(world: World) -> None:
    """Each role says how many wait and for how long, the workers by partition."""
    shown = exposition("worker", now(world), LAGS, ready=True).decode()
    assert 'habarshy_lag{partition="11",role="worker",topic="persons"} 7.0' in shown
    assert 'habarshy_lag_seconds{partition="11",role="worker",topic="persons"} 20.0' in shown
    assert 'habarshy_lag_seconds{partition="",role="worker",topic=""} 1.5' in shown


def test_health_has_what_stands_and_the_lag(world: World) -> None:
    """/health is one JSON object: the role, its lag, and how the platform stands, the reconciler's finds included."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    found = asked(ServedRole("worker", world.platform, lambda: LAGS)).get("/health").json()
    assert (found["role"], found["lag"][1]) == (
        "worker",
        {"count": 7, "seconds": 20.0, "topic": "persons", "partition": 11},
    )
    assert (found["standing"]["unplanned"], found["standing"]["reconciled"], found["standing"]["dead_letters"]) == (
        4,
        0,
        0,
    )


def test_a_role_that_waits_is_alive_and_not_ready(world: World) -> None:
    """While its store or Kafka is away a role lives, is not ready and says why, and its metrics say so too."""
    client = asked(ServedRole("worker", world.platform, away, lambda: "connection refused"))
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "connection refused")
    assert 'habarshy_ready{role="worker"} 0.0' in client.get("/metrics").text
    assert client.get("/health").json()["lag"] == []


def test_every_alert_on_labels_finds_them(world: World) -> None:
    """What an alert selects or groups by is a label that its metric has."""
    shown = shown_by_all(world)
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]:
        for labels in re.findall(r"by \(([\w, ]+)\)", rule["expr"]):
            [name] = set(re.findall(r"habarshy_\w+", rule["expr"])) - {"habarshy_wanted"}
            [line, *_] = [line for line in shown.splitlines() if line.startswith(f"{name}{{")]
            assert all(f'{label.strip()}="' in line for label in labels.split(",")), rule["alert"]


def test_each_role_that_may_be_missing_is_missed() -> None:
    """That no relay, worker, dispatcher, api, intake or role jobs runs calls somebody, though none says it."""
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    every = " ".join(rule["expr"] for rule in group["rules"])
    assert set(re.findall(r'absent\(habarshy_ready\{role="(\w+)"', every)) == {
        "relay",
        "worker",
        "dispatch",
        "api",
        "intake",
        "jobs",
    }


def test_what_is_refused_is_counted_from_nothing(world: World) -> None:
    """Each code has its count before its first time, so that the first is seen; so has what a provider takes over."""
    shown = exposition("intake", now(world), (), Own(passed_by={GATEWAY: False}), ready=True).decode()
    assert 'habarshy_refused_events_total{code="too_large"} 0.0' in shown
    assert 'habarshy_dead_events_total{code="too_large"} 0.0' in shown
    assert 'habarshy_attempts_total{channel="sms",outcome="sent",provider="gateway",reason=""} 0.0' in shown


async def test_what_became_of_attempts_is_counted_by_provider_and_reason() -> None:
    """Each outcome counts for its provider, with its reason; one that fails three times, or asks for it, is left."""
    away = RetryLater(None, Reason.UNREACHABLE)
    fake = FakeNotifier("sms", [], script=[Accepted("x"), away, away, away])
    counts = IntakeCounters()
    routes = with_metrics(single_routes({"sms": fake}), counts)
    [provider] = routes["sms"].providers
    for _ in range(4):
        assert skipped_providers(routes) == {("sms", "sms"): False}
        await provider.send([message()])
    assert counts.all() == {("sms", "sms", "sent", ""): 1, ("sms", "sms", "failed", "unreachable"): 3}
    assert skipped_providers(routes) == {("sms", "sms"): True}
    asking = FakeNotifier("sms", [], script=[RetryLater(None, Reason.BUSY, everybody=True)])
    patient = with_metrics(single_routes({"sms": asking}), counts)
    await patient["sms"].providers[0].send([message()])
    assert skipped_providers(patient) == {("sms", "sms"): True}


async def test_a_defect_of_a_notifier_is_counted() -> None:
    """A batch at which a notifier fails by a defect counts as unknown, and the defect comes through."""

    def fails(_: Message) -> None:
        raise ZeroDivisionError

    counts = IntakeCounters()
    [provider] = with_metrics(single_routes({"sms": FakeNotifier("sms", fails)}), counts)["sms"].providers
    with pytest.raises(ZeroDivisionError):
        await provider.send([message()])
    assert counts.all() == {("sms", "sms", "unknown", "defect"): 1}


def shown_by_registries(world: World) -> str:
    """Return what the collectors of all roles show, after a request."""
    on, registry = world.platform, CollectorRegistry()
    TestClient(application(on, registry)).get("/livez")
    planning, sending = on.planning.planning, world.engine.dispatcher.collectors
    collectors = [on.intake.accepted, planning.planned, planning.planned_after, *sending]
    return asked(ServedRole("api", on, registry=registry, collectors=collectors)).get("/metrics").text


def names(text: str) -> set[str]:
    """Return the names under which Prometheus knows the metrics, histograms by their common one."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
        if family.name.startswith("habarshy_") and not family.name.endswith("_created")
    }


def test_the_docs_list_every_metric(world: World) -> None:
    """docs/operations.md lists exactly what the roles show."""
    page = (DEPLOY.parent / "docs/operations.md").read_text()
    table = page.split("\n## Metrics\n")[1].split("\n## ")[0]
    listed = {
        name
        for line in table.splitlines()
        if line.startswith("|")
        for name in re.findall(r"`(habarshy_\w+)`", line.split("|")[1])
    }
    assert listed == names(shown_by_all(world)) | names(shown_by_registries(world))


async def test_the_way_of_an_event_is_measured(world: World) -> None:
    """What is accepted, planned and sent is counted, and how long it took is in histograms."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    world.at(NOON + timedelta(seconds=2))
    assert world.platform.planning.planning.plan_woken([world.name(iin(1))]) == {}
    await world.settle(datetime.fromisoformat("2025-06-20T09:00:03+05:00"))
    shown = shown_by_registries(world)
    for sample in (
        'habarshy_events_accepted_total{type="kz.document.issued"} 1.0',
        "habarshy_persons_planned_total 1.0",
        "habarshy_planned_after_seconds_sum 2.0",
        'habarshy_sent_after_seconds_sum{channel="sms"} 3.0',
        'habarshy_outcomes_total{agency="interior",channel="sms",outcome="sent",provider="sms"} 1.0',
        'habarshy_wait_seconds_count{what="connection"}',
        'habarshy_wait_seconds_count{what="log"}',
        'habarshy_http_request_seconds_count{method="GET",route="/livez",status="200"} 1.0',
        "process_cpu_seconds_total",
        "python_info",
        "habarshy_build_info",
    ):
        assert f"\n{sample}" in shown, sample


def test_metrics_name_nobody(world: World) -> None:
    """Nothing that is shown has a pseudonym or an identity number in it."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    client = asked(ServedRole("api", world.platform))
    text = client.get("/metrics").text + client.get("/health").text
    assert world.name(iin(1)) not in text
    whole = re.sub(r"^(?:\w+_created|process_\w+)\b.*$", "", text, flags=re.MULTILINE)  # moments, and sizes of memory
    assert not re.search(r"(?<![\d.])\d{12}", whole)


def test_what_is_stopped_is_a_metric(world: World) -> None:
    """Each kill switch and pause is told by scope and name with its time, so that an alert calls somebody."""
    assert 'habarshy_stopped_timestamp_seconds{name="",scope="all"} 0.0' in shown_by_all(world)
    world.control("channel", "sms", stopped=True)
    [line] = [line for line in shown_by_all(world).splitlines() if 'scope="channel"' in line][:1]
    labels, _, value = line.rpartition(" ")
    assert labels == 'habarshy_stopped_timestamp_seconds{name="sms",scope="channel"}'
    assert float(value) == world.clock().timestamp()


def test_every_figure_of_the_state_is_a_metric() -> None:
    """A new figure of the platform's state is shown to Prometheus, or its own metric shows it."""
    otherwise = {"stopped", "next_due", "dead_events", "dead_events_at", "reconciled", "reconciled_at", "unknown"}
    assert set(Status.__struct_fields__) - otherwise <= {name.removesuffix("_total") for name in GAUGES}
