"""kill -9 of every process of a country: relay, workers, dispatchers, Kafka, PostgreSQL; with real providers."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.server import application
from tests.kills.campaign import Campaign
from tests.kills.harm import EVERYTHING
from tests.kills.land import Land, land
from tests.kills.peers import Peers, peers
from tests.kills.registries import SUBSCRIBED, Registries
from tests.kills.staff import Otherwise
from tests.kills.verdict import Verdict
from tests.services import kafka, postgres
from tests.services.dask import scheduler
from tests.services.kafka import Broker
from tests.services.postgres_server import Server

SEED, CITIZENS, FEW = 7, 350, 200
ON_ITS_WAY = 0.02
"""Seconds that the mail server takes for a letter."""
A_ROUND, LARGE = 2, 200
"""Kills in a round, about; and in a campaign in which each round is a day, and not three."""
CROWD, CROWDED_ROUND = 5, 3
"""As many dispatchers at once, at most, in a large campaign; and kills in its rounds, about."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server that may be killed."""
    with postgres.own() as made:
        yield made


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """A Kafka broker that may be killed."""
    with kafka.own() as made:
        yield made


@pytest.fixture
async def providers(tmp_path: Path) -> AsyncIterator[Peers]:
    """A mail server, an SMS centre, and a push service with browsers."""
    async with peers(tmp_path, ON_ITS_WAY) as made:
        yield made


@pytest.fixture
def country(server: Server, broker: Broker, providers: Peers, tmp_path: Path) -> Iterator[Land]:
    """A country on them."""
    with land(server, broker, tmp_path, providers.settings()) as made:
        providers.browsers.visit(application(made.platform))
        yield made


@pytest.fixture
def verified_country(server: Server, broker: Broker, providers: Peers, tmp_path: Path) -> Iterator[Land]:
    """A country whose long work runs on a Dask cluster."""
    with scheduler() as cluster, land(server, broker, tmp_path, providers.settings(), cluster) as made:
        providers.browsers.visit(application(made.platform))
        yield made


async def test_whatever_is_killed_everything_happens_once(
    verified_country: Land, providers: Peers, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Kill anything at any moment: each event is planned once, each nudge ends once, and nobody is told twice."""
    kills, seed = (int(pytestconfig.getoption(name)) for name in ("country_kills", "country_seed"))
    step = timedelta(days=3 if kills < LARGE else 1)
    dispatchers, a_round = (2, A_ROUND) if kills < LARGE else (CROWD, CROWDED_ROUND)
    citizens = max(CITIZENS, kills * 4)
    browsers = await providers.subscribe(citizens // SUBSCRIBED)
    registries = Registries(citizens, step * (kills // a_round), seed, browsers)
    campaign = Campaign(verified_country, providers, registries, seed, step, EVERYTHING, dispatchers=dispatchers)
    await asyncio.to_thread(campaign.run, kills)

    verdict = await asyncio.to_thread(Verdict, campaign)
    counts = verdict.counts()
    sys.stdout.write(f"{json.dumps(counts)}\n")  # shown with `pytest -rP`, and where it fails
    await asyncio.to_thread(verdict.says_that_all_is_well, tmp_path)
    _proves_something(counts, large=kills >= LARGE)


def _proves_something(counts: dict[str, Any], *, large: bool) -> None:
    """Whether what it is about has happened at all; a small one may be lucky."""
    assert any(way.startswith("push > ") for way in counts["cascades"]), "no push failed: the campaign proves nothing"
    if large:
        assert counts["cascades"]["push > sms > email"] > 0, "none took all its channels: the campaign proves nothing"
        assert counts["replaced"] > 0, "no push came twice: the campaign proves nothing"
        assert counts["done"]["areas left halfway"] > 0, "no area was left halfway: the campaign proves nothing"
        assert counts["heard"]["NudgeUnknown"] > 0, "no kill hit a message on its way: the campaign proves nothing"
        assert counts["attempts"]["again"] > 0, "nothing legal was unknown: the campaign proves nothing"
        assert counts["reconciled"] > 0, "no wake was lost: the campaign proves nothing"


async def _short(land: Land, providers: Peers, card: str, otherwise: Otherwise, kills: int = 5) -> Verdict:
    """A short campaign in which only that happens."""
    step = timedelta(days=3)
    registries = Registries(FEW, step * (kills // A_ROUND), SEED)
    campaign = Campaign(land, providers, registries, SEED, step, [card], otherwise)
    await asyncio.to_thread(campaign.run, kills)
    return await asyncio.to_thread(Verdict, campaign)


async def test_without_the_reconciler_somebody_is_forgotten(country: Land, providers: Peers, tmp_path: Path) -> None:
    """The campaign fails where nobody looks for those whom no record woke."""
    verdict = await _short(country, providers, "lost", Otherwise(reconciling="forgetful", settled=5.0))
    with pytest.raises(AssertionError, match="still waits for their plan"):
        verdict.says_that_all_is_well(tmp_path)


async def test_a_mark_that_is_not_committed_with_its_plan_loses_it(
    country: Land, providers: Peers, tmp_path: Path
) -> None:
    """The campaign fails where persons are marked as planned by themselves, and not together with their plan."""
    verdict = await _short(country, providers, "defect", Otherwise(defect="marks-first"))
    with pytest.raises(AssertionError, match="what should be planned never was"):
        verdict.says_that_all_is_well(tmp_path)


async def test_without_an_attempt_before_sending_people_are_told_twice(
    country: Land, providers: Peers, tmp_path: Path
) -> None:
    """The campaign fails where an attempt is committed only after it was handed over."""
    providers.hesitate(2.0)
    verdict = await _short(country, providers, "nothing", Otherwise(dispatcher="careless"), kills=12)
    with pytest.raises(AssertionError, match="went twice"):
        verdict.says_that_all_is_well(tmp_path)
