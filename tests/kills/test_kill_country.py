"""kill -9 of every process of a country: relay, workers, dispatchers, Kafka, PostgreSQL; with real providers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.kills.campaign import EASY, HARD, Campaign
from tests.kills.land import Land, land
from tests.kills.peers import Peers, peers
from tests.kills.registries import Registries
from tests.kills.verdict import Verdict
from tests.services import kafka, postgres
from tests.services.kafka import Broker
from tests.services.postgres import Server

SEED, CITIZENS = 7, 10
ON_ITS_WAY = 0.02
"""Seconds that the mail server takes for a letter."""
A_ROUND = 2
"""Kills in a round, about."""


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
async def providers() -> AsyncIterator[Peers]:
    """A mail server and an SMS centre."""
    async with peers(ON_ITS_WAY) as made:
        yield made


@pytest.fixture
def country(server: Server, broker: Broker, providers: Peers, tmp_path: Path) -> Iterator[Land]:
    """A country on them."""
    with land(server, broker, tmp_path, providers.mail_port, providers.sms_port) as made:
        yield made


async def test_whatever_is_killed_everything_happens_once(
    country: Land, providers: Peers, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Kill anything at any moment: each event is planned once, each nudge ends once, and nobody is told twice."""
    kills = int(pytestconfig.getoption("country_kills"))
    step = timedelta(days=3 if kills < 200 else 1)
    span = step * (kills // A_ROUND)
    registries = Registries(max(1500, kills * 4), span, SEED)
    campaign = Campaign(country, providers, registries, SEED, step, [*EASY, *HARD])
    await asyncio.to_thread(campaign.run, kills)

    verdict = await asyncio.to_thread(Verdict, campaign)
    print(verdict.counts())
    verdict.every_event_is_in_once()
    verdict.every_event_is_planned_once()
    verdict.all_intents_are_nudges()
    verdict.every_nudge_has_one_end()
    verdict.nobody_is_told_twice()
    verdict.what_is_unknown_follows_its_policy()
    intents = await asyncio.to_thread(verdict.intents_are_those_of_the_embedded_run, tmp_path)
    print(intents)
