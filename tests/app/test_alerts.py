"""The alert rules of deploy/, played by Prometheus' own tool over what the platform shows."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from app.http.metrics import exposition
from streams.queries.health import read_status
from tests.services import promtool
from tests.world import LONG_AGO, World, card, iin, registered

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS, WANTED = DEPLOY / "alerts.yaml", DEPLOY / "wanted.yaml"
LATE = datetime.fromisoformat("2025-07-05T12:00+05:00")
"""Two weeks after the first reminders of the cards below were due."""
ROLES = ("api", "relay", "worker", "dispatch", "intake", "jobs")
HEALTHY = {f'habarshy_ready{{role="{role}",instance="{role}"}}': [1] * 20 for role in ROLES}


def shown(world: World) -> float:
    """Return how long messages are overdue, as the platform shows it now."""
    on = world.platform
    text = exposition(
        "dispatch", read_status(on.database, on.log, on.replay.follower, world.clock()), (), ready=True
    ).decode()
    [value] = re.findall(r"^habarshy_overdue_for_seconds (\S+)$", text, re.MULTILINE)
    return float(value)


async def loading(world: World, *, sent: bool) -> list[float]:
    """Return a sample a minute while people with old cards are loaded; `sent`: a dispatcher works."""
    samples = []
    for minute in range(15):
        world.at(LATE + timedelta(minutes=minute))
        person = iin(minute + 1)
        world.take(*registered(person, LONG_AGO), card(person, "2025-07-20", f"N{minute}"))
        world.plan()
        samples.append(shown(world))
        if sent:
            await world.settle()
    return samples


async def test_a_late_load_that_is_sent_calls_nobody(world: World, tmp_path: Path) -> None:
    """Old events whose messages go as soon as they are planned are no reason to wake an operator."""
    samples = {"habarshy_overdue_for_seconds": await loading(world, sent=True)}
    promtool.play(tmp_path, [ALERTS], samples, {"HabarshyOverdue": []})


async def test_a_late_load_that_nobody_sends_calls_somebody(world: World, tmp_path: Path) -> None:
    """The same load without a dispatcher fires, and says for how long the messages could have gone."""
    samples = {"habarshy_overdue_for_seconds": await loading(world, sent=False)}
    fires = {
        "exp_labels": {"severity": "critical"},
        "exp_annotations": {
            "summary": "Messages could have gone for 14m 0s and do not go",
            "description": "Counted since they were due, or since they were planned where that was later.",
        },
    }
    promtool.play(tmp_path, [ALERTS], samples, {"HabarshyOverdue": [fires]})


def missing(samples: Mapping[str, Sequence[float]], folder: Path, **expected: list[promtool.Fires]) -> None:
    """Require that of the alerts about missing roles exactly these fire."""
    every = {name: expected.get(name, []) for name in ("HabarshyRoleGone", "HabarshyRoleDown", "HabarshyTooFew")}
    promtool.play(folder, [ALERTS, WANTED], samples, every)


def test_a_role_that_is_there_calls_nobody(tmp_path: Path) -> None:
    """With one of each, none is missed."""
    missing(HEALTHY | {'up{job="habarshy",instance="relay:8090"}': [1] * 20}, tmp_path)


def test_a_role_that_does_not_answer_is_missed(tmp_path: Path) -> None:
    """A scrape that fails names the instance, though others of its role are there."""
    fires = {
        "exp_labels": {"severity": "critical", "job": "habarshy", "instance": "worker:8090"},
        "exp_annotations": {
            "summary": "worker:8090 does not answer Prometheus",
            "description": "Its process ended, hangs, or its health port cannot be reached.",
        },
    }
    missing(HEALTHY | {'up{job="habarshy",instance="worker:8090"}': [0] * 20}, tmp_path, HabarshyRoleDown=[fires])


def test_fewer_than_wanted_are_missed(tmp_path: Path) -> None:
    """A role that is there but cannot work counts as none, in whole numbers."""
    away = HEALTHY | {'habarshy_ready{role="worker",instance="worker"}': [0] * 20}
    fires = {
        "exp_labels": {"severity": "warning", "role": "worker"},
        "exp_annotations": {
            "summary": "Only 0 worker can work",
            "description": "deploy/wanted.yaml says how many there are to be.",
        },
    }
    missing(away, tmp_path, HabarshyTooFew=[fires])


def test_a_role_that_nobody_runs_is_missed(tmp_path: Path) -> None:
    """Where no process of a role shows itself, nor fails to, it is named; so is that it is fewer than wanted."""
    others = {series: samples for series, samples in HEALTHY.items() if '"dispatch"' not in series}
    gone = {
        "exp_labels": {"severity": "critical", "role": "dispatch"},
        "exp_annotations": {"summary": "No dispatch runs"},
    }
    few = {
        "exp_labels": {"severity": "warning", "role": "dispatch"},
        "exp_annotations": {
            "summary": "Only 0 dispatch can work",
            "description": "deploy/wanted.yaml says how many there are to be.",
        },
    }
    missing(others, tmp_path, HabarshyRoleGone=[gone], HabarshyTooFew=[few])


def test_unknown_outcomes_call_somebody(tmp_path: Path) -> None:
    """Messages of which nobody knows whether they went are told by cause and provider; none at all calls nobody."""
    series = 'habarshy_unknown{cause="no_outcome",provider="smsc",channel="sms",role="dispatch"}'
    fires = {
        "exp_labels": {"severity": "warning", "cause": "no_outcome", "provider": "smsc"},
        "exp_annotations": {
            "summary": "3 messages by smsc have an unknown outcome (no_outcome)",
            "description": "They may have arrived, so nobody sends them again. "
            "`habarshy unknown` lists them, and resolves them.",
        },
    }
    promtool.play(tmp_path, [ALERTS], {series: [3] * 20}, {"HabarshyUnknown": [fires]})
    none = 'habarshy_unknown{cause="",provider="",channel="",role="dispatch"}'
    promtool.play(tmp_path, [ALERTS], {none: [0] * 20}, {"HabarshyUnknown": []})


def test_numbers_in_alerts_are_whole(tmp_path: Path) -> None:
    """No alert shows a bare value: Prometheus extrapolates, and would say that 3.0697 events were refused."""
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    texts = [text for rule in group["rules"] for text in rule["annotations"].values()]
    used = [use for text in texts for use in re.findall(r"\{\{([^}]*\$value[^}]*)\}\}", text)]
    assert used
    assert {use.strip() for use in used} <= {
        'printf "%.0f" $value',
        "$value | humanizeDuration",
        "$value | humanizeTimestamp",
    }
    fires = {
        "exp_labels": {"severity": "warning", "code": "invalid"},
        "exp_annotations": {
            "summary": "200 events were refused within an hour as invalid",
            "description": "What they report is not known to us. Tell the registry; what a defect refused, report.",
        },
    }
    grows = {'habarshy_refused_events_total{code="invalid",role="api"}': [3.33 * minute for minute in range(61)]}
    promtool.play(tmp_path, [ALERTS], grows, {"HabarshyEventsRefused": [fires]})


def test_prometheus_takes_the_files_of_deploy() -> None:
    """Its configuration and all rules are as Prometheus wants them."""
    promtool.run("check", "config", DEPLOY / "prometheus.yaml")
