"""What a role says on its health port, and the alert rules over it."""

import json
import re
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.http.metrics import GAUGES, exposition
from app.http.role import Role, role_application
from streams.health import Standing, standing
from streams.lag import Lag
from streams.topics import KafkaUnavailable
from tests.world import LONG_AGO, World, card, iin, registered

DEPLOY = Path(__file__).parents[3] / "deploy"
ALERTS, DASHBOARD = DEPLOY / "alerts.yaml", DEPLOY / "grafana.json"
LAGS = [Lag(3, 1.5), Lag(7, 20.0, "persons", 11)]


def now(world: World) -> Standing:
    """How the world stands."""
    on = world.platform
    return standing(on.database, on.log, on.follower, world.clock())


def asked(role: Role) -> TestClient:
    """Asks on the health port of the role."""
    return TestClient(role_application(role), raise_server_exceptions=False)


def away() -> list[Lag]:
    """A lag that cannot be read."""
    raise KafkaUnavailable("127.0.0.1:1", "refused")


def test_every_metric_of_the_alerts_exists(world: World) -> None:
    """Each alert rule reads metrics and labels that a role really shows, and says what is the matter."""
    shown = exposition("relay", now(world), LAGS, ready=True).decode()
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]:
        names = set(re.findall(r"habarshy_\w+", rule["expr"]))
        assert names, rule
        assert all(re.search(rf"^{name}[ {{]", shown, re.MULTILINE) for name in names), rule["alert"]
        assert rule["annotations"]["summary"]


def test_the_dashboard_shows_every_metric(world: World) -> None:
    """Each panel reads metrics and labels that a role really shows, and none of the metrics is left out."""
    shown = exposition("relay", now(world), LAGS, ready=True).decode()
    exported = set(re.findall(r"^(habarshy_\w+?)(?:_created)?[ {]", shown, re.MULTILINE))
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    assert {name for each in asked for name in re.findall(r"habarshy_\w+", each)} == exported
    assert {label for each in asked for label in re.findall(r"by \((\w+)\)", each)} == {"role"}
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_metrics_say_their_unit_and_name_nobody(world: World) -> None:
    """Times are in seconds and say so, counters end in total, everything else counts what it is called; no label
    could hold a person.
    """
    world.take(*registered(iin(1), LONG_AGO))
    for family in text_string_to_metric_families(exposition("relay", now(world), LAGS, ready=True).decode()):
        name = family.name.removeprefix("habarshy_")
        assert (
            name.endswith("_seconds") or (family.type == "counter" and name == "reconciled")
            or name in {"ready", "lag"} or (name in GAUGES and "How long" not in GAUGES[name])
        ), name  # fmt: skip
        assert {label for sample in family.samples for label in sample.labels} <= {"role", "topic", "partition"}


def test_lag_is_shown_as_a_count_and_in_seconds(world: World) -> None:
    """Each role says how many wait and for how long, the workers by partition."""
    shown = exposition("worker", now(world), LAGS, ready=True).decode()
    assert 'habarshy_lag{partition="11",role="worker",topic="persons"} 7.0' in shown
    assert 'habarshy_lag_seconds{partition="11",role="worker",topic="persons"} 20.0' in shown
    assert 'habarshy_lag_seconds{partition="",role="worker",topic=""} 1.5' in shown


def test_health_has_what_stands_and_the_lag(world: World) -> None:
    """/health is one JSON object: the role, its lag, and how the platform stands, the reconciler's finds included."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    found = asked(Role("worker", world.platform, lambda: LAGS)).get("/health").json()
    assert (found["role"], found["lag"][1]) == (
        "worker", {"count": 7, "seconds": 20.0, "topic": "persons", "partition": 11},
    )  # fmt: skip
    assert (found["standing"]["unplanned"], found["standing"]["reconciled"], found["standing"]["dead_letters"]) == (
        4,
        0,
        0,
    )


def test_a_role_that_waits_is_alive_and_not_ready(world: World) -> None:
    """While its store or Kafka is away a role lives, is not ready and says why, and its metrics say so too."""
    client = asked(Role("worker", world.platform, away, lambda: "connection refused"))
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "connection refused")
    assert 'habarshy_ready{role="worker"} 0.0' in client.get("/metrics").text
    assert client.get("/health").json()["lag"] == []


def test_metrics_name_nobody(world: World) -> None:
    """Nothing that is shown has a pseudonym or an identity number in it."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    client = asked(Role("api", world.platform))
    text = client.get("/metrics").text + client.get("/health").text
    assert world.name(iin(1)) not in text
    assert not re.search(r"\d{12}", text)
