"""Submit, approve, publish: each a fact; what moves the reach moves the nudges that wait, and nothing else."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.facts.governance import (
    GOVERNANCE_FACTS,
    PackPublished,
    TriggerApproved,
    TriggerPublished,
    TriggerReachChanged,
    TriggerSubmitted,
)
from domain.facts.principals import NotAllowed
from domain.facts.submissions import Subject
from streams.planning.planning import Planning
from streams.rules.approval import NotPublished, NotSubmitted, TwoVersions, reference
from streams.rules.library import NothingPublished
from templates.checks.loader import Pack
from templates.checks.placeholders import StillPlaceholders
from tests.beginnings import packs_in
from tests.streams.governors import OPERATOR, STRANGER, append, approved, approver, author, publish
from tests.streams.meddling import MeddledDatabase, PowerCut
from tests.streams.rebuilding import rebuild
from tests.streams.rules.test_library import UNTIMED, meter, shown
from tests.streams.weather import AT_EVENT, write_weather
from tests.templates.packs import METER, PACK, RU, RULES, Change, write_town
from tests.world import NOON, World, event, iin

AIGERIM, DANA = iin(1), iin(2)
CHECK, WATER = "meter_check", "water"
AT_TEN: Change = (RULES, 'at: "09:00"', 'at: "10:00"')
PLACEHOLDER: Change = (RU, "Последний день.", "Напишите первый шаг.")
AT_ELEVEN: Change = (RULES, 'at: "09:00"', 'at: "11:00"')
JULY = datetime(2025, 7, 1, 7, tzinfo=UTC)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[World]:
    """A platform with the small pack, of which `tmp_path` is the folder, and one meter that is to be checked."""
    world = World(tmp_path, packs=[write_town(tmp_path, *UNTIMED)])
    contact = event("citizen.contact_changed", AIGERIM, "2025-06-01T00:00:00Z", {"phone": "+77011234567"})
    world.take(contact, meter(AIGERIM, "2025-06-02T13:00:00+05:00"))
    world.plan()
    world.at(JULY)
    yield world
    world.close()


def next_version(town: World, *changes: Change) -> str:
    """Have a changed trigger approved; returns its hash."""
    folder = town.file.parent / f"next{len(town.entries())}"
    return approved(town, [write_town(folder, *UNTIMED, *changes)], CHECK, WATER)


def governance(town: World) -> list[object]:
    """The governance facts since the packs were published."""
    facts = [entry.fact for entry in town.entries() if isinstance(entry.fact, GOVERNANCE_FACTS)]
    return [fact for fact in facts if fact.by != "pack"]


def versions(town: World) -> Counter[str]:
    """How many nudges wait, by the version that planned them."""
    return Counter(intent.version for intent in town.pending())


# submit, approve, publish


def test_placeholders_are_neither_approved_nor_published(town: World) -> None:
    """What was submitted with text of the scaffold before that was refused goes no further."""
    governing = town.platform.rules.approval
    *_, pack = packs_in([write_town(town.file.parent / "old", *UNTIMED, PLACEHOLDER)])
    with pytest.raises(StillPlaceholders, match=r"ru\.md: steps\.day\.sms"):
        governing.submit([pack], [Subject("trigger", CHECK)], author(WATER))
    [old] = pack.triggers
    facts = [
        TriggerSubmitted(JULY, "aida", pack.name, CHECK, WATER, old.hash, old.rules, old.words),
        TriggerApproved(JULY, "dana", CHECK, old.hash),
    ]
    append(town.platform, facts[0])
    with pytest.raises(StillPlaceholders):
        governing.approve(governing.find(reference(CHECK), approver(WATER)), approver(WATER))
    append(town.platform, facts[1])
    with pytest.raises(StillPlaceholders):
        publish(town, CHECK, WATER)
    assert len(governance(town)) == 2


def test_every_step_is_a_fact_addressed_by_the_hash(town: World) -> None:
    """Who submitted, approved and published which content is in the log, and the content with it."""
    hash_ = next_version(town, AT_TEN)
    publish(town, CHECK, WATER)
    submitted, ok, published = governance(town)
    assert isinstance(submitted, TriggerSubmitted)
    assert isinstance(ok, TriggerApproved)
    assert isinstance(published, TriggerPublished)
    assert {submitted.hash, ok.hash, published.hash} == {hash_}
    assert [submitted.by, ok.by, published.by] == ["aida", "dana", "aida"]
    assert submitted.rules == published.rules
    assert submitted.rules["due"]["month"]["at"] == "10:00"


def test_submitting_approving_and_publishing_again_says_nothing_new(town: World) -> None:
    """What is so already takes no fact."""
    next_version(town, AT_TEN)
    publish(town, CHECK, WATER)
    before = governance(town)
    next_version(town, AT_TEN)
    assert not publish(town, CHECK, WATER).new
    assert governance(town) == before


def test_what_is_not_approved_is_not_published(town: World, tmp_path: Path) -> None:
    """Publishing a submission that waits is refused; one approved before it is published instead."""
    packs = packs_in([write_town(tmp_path / "ten", *UNTIMED, AT_TEN)])
    [done] = town.platform.rules.approval.submit(packs, [Subject("trigger", CHECK)], author(WATER))
    with pytest.raises(NotAllowed, match="not approved"):
        publish(town, CHECK, WATER)
    eleven = next_version(town, AT_ELEVEN)
    with pytest.raises(NotAllowed, match="not approved"):
        town.platform.rules.approval.publish([reference(f"{CHECK}@{done.submission.hash[:9]}")], author(WATER))
    assert publish(town, CHECK, WATER).submission.hash == eleven


def test_a_name_that_nobody_submitted_is_told_with_what_was_meant(town: World) -> None:
    """A misspelt name suggests the agency's own, and never another agency's."""
    next_version(town, AT_TEN)
    with pytest.raises(NotSubmitted, match=r"meter_chek \(did you mean 'meter_check'\?\)"):
        town.platform.rules.approval.find(reference("meter_chek"), author(WATER))
    with pytest.raises(NotSubmitted, match=r"meter_chek\. See"):
        town.platform.rules.approval.find(reference("meter_chek"), STRANGER)


def begin_alike(folder: Path) -> tuple[Pack, Pack, str]:
    """Two packs whose versions of the trigger begin with the same digit, and that: of seventeen there are two."""
    known: dict[str, Pack] = {}
    for minute in range(10, 27):
        packs = packs_in([write_town(folder / str(minute), *UNTIMED, (RULES, '"09:00"', f'"09:{minute}"'))])
        [(pack, digit)] = [(pack, one.hash[0]) for pack in packs for one in pack.triggers if one.name == CHECK]
        if digit in known:
            return known[digit], pack, digit
        known[digit] = pack
    raise AssertionError


def test_a_hash_that_begins_two_versions_names_none(town: World, tmp_path: Path) -> None:
    """Who looked at one version by the beginning of its hash approves and publishes no other that begins alike."""
    governing, who, wanted = town.platform.rules.approval, author(WATER), [Subject("trigger", CHECK)]
    one, other, digit = begin_alike(tmp_path)
    [looked_at], [later] = (governing.submit([each], wanted, who) for each in (one, other))
    with pytest.raises(TwoVersions, match=later.submission.hash[:12]):
        governing.find(reference(f"{CHECK}@{digit}"), approver(WATER))
    for done in (looked_at, later):
        found = governing.find(reference(f"{CHECK}@{done.submission.hash}"), approver(WATER))
        governing.approve(found, approver(WATER))
    with pytest.raises(TwoVersions):
        governing.publish([reference(f"{CHECK}@{digit}")], who)
    assert publish(town, CHECK, WATER).submission.hash == later.submission.hash


def test_another_agency_neither_sees_nor_touches_a_trigger(town: World) -> None:
    """What waits is its agency's and the operators' to know; every other way in is refused and changes nothing."""
    next_version(town, AT_TEN)
    governing, before = town.platform.rules.approval, governance(town)
    [waits] = governing.waiting(author(WATER))
    assert (governing.waiting(STRANGER), governing.waiting(OPERATOR)) == ([], [waits])
    for attempt in (
        lambda: governing.find(reference(CHECK), STRANGER),
        lambda: governing.approve(waits, STRANGER),
        lambda: governing.publish([reference(CHECK)], STRANGER),
        lambda: town.platform.rules.switches.pause(CHECK, STRANGER),
        lambda: town.platform.rules.switches.resume(CHECK, STRANGER),
        lambda: town.platform.rules.switches.withdraw(CHECK, STRANGER),
        lambda: town.platform.rules.switches.control("trigger", CHECK, STRANGER, stopped=True, reason="x"),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert governance(town) == before


def test_nobody_takes_over_a_trigger_by_writing_another_owner(town: World, tmp_path: Path) -> None:
    """A folder that gives another agency's trigger to one's own is refused, published or only waiting."""
    agencies = (PACK, "agencies:\n", "agencies:\n  finance: {title: {kk: Қаржы, ru: Финансы}}\n")
    mine = write_town(tmp_path / "mine", *UNTIMED, agencies, (RULES, "owner: water", "owner: finance"))
    for about in (Subject("trigger", CHECK), Subject("pack", "town")):
        with pytest.raises(NotAllowed):
            town.platform.rules.approval.submit(packs_in([mine]), [about], STRANGER)
    assert governance(town) == []


def test_nobody_changes_an_event_type_by_declaring_it_again(town: World, tmp_path: Path) -> None:
    """A pack that declares what another published pack does is refused."""
    mine = write_town(
        tmp_path / "mine",
        *UNTIMED,
        (PACK, "pack: town", "pack: village"),
        (PACK, "  water:", "  finance:"),
        (METER, "agency: water", "agency: finance"),
        ("events/flood.yaml", "agency: water", "agency: finance"),
        (RULES, "owner: water", "owner: finance"),
    )
    with pytest.raises(NotAllowed, match="is declared by the pack town"):
        town.platform.rules.approval.submit(packs_in([mine]), [Subject("pack", "village")], STRANGER)


def test_a_pack_goes_the_same_way_before_its_triggers(town: World, tmp_path: Path) -> None:
    """Where its pack is not published, a trigger is not; together they are, whichever is named first."""
    weather = write_weather(tmp_path, {"at_event": AT_EVENT})[1]
    (weather / "at_event" / "en.md").unlink()  # the town speaks two languages
    packs, governing = packs_in([tmp_path / "town", weather]), town.platform.rules.approval
    wanted = [Subject("trigger", "at_event"), Subject("pack", "weather")]
    for done in governing.submit(packs, wanted, author("weather")):
        governing.approve(done.submission, approver("weather"))
    with pytest.raises(NotPublished, match="Publish pack:weather"):
        publish(town, "at_event", "weather")
    assert not any(isinstance(fact, TriggerPublished) for fact in governance(town))
    both = governing.publish([reference("at_event"), reference("pack:weather")], author("weather"))
    assert [(str(each.submission.about), each.new) for each in both] == [("pack:weather", True), ("at_event", True)]
    assert town.platform.rules.library.rules().rulebook.has("at_event")


def test_what_is_not_approved_is_told_so_before_anything_else(town: World, tmp_path: Path) -> None:
    """The right to publish is checked first: not until then is anybody told what else is missing."""
    weather = write_weather(tmp_path, {"at_event": AT_EVENT})[1]
    (weather / "at_event" / "en.md").unlink()  # the town speaks two languages
    wanted = [Subject("trigger", "at_event"), Subject("pack", "weather")]
    town.platform.rules.approval.submit(packs_in([tmp_path / "town", weather]), wanted, author("weather"))
    with pytest.raises(NotAllowed, match="not approved yet"):
        publish(town, "at_event", "weather")


# pending nudges


def test_pending_nudges_keep_their_version_unless_the_reach_is_moved(town: World) -> None:
    """Published plainly, a version leaves what waits alone; applied to pending, it takes all of it over."""
    old = town.pending()[0].version
    new = next_version(town, AT_TEN)
    publish(town, CHECK, WATER)
    town.plan()
    assert versions(town) == {old: 2}
    publish(town, CHECK, WATER, to_pending=True)
    assert isinstance(governance(town)[-1], TriggerReachChanged)
    town.plan()
    assert versions(town) == {new: 2}
    assert town.pending() == town.intents()


async def test_what_was_sent_stays_as_it_was(town: World) -> None:
    """Of an occurrence whose first step went, only the other moves; nothing is sent again or put right."""
    [first] = await town.settle("2025-11-20T12:00+05:00")
    new = next_version(town, AT_TEN)
    publish(town, CHECK, WATER, to_pending=True)
    assert await town.settle() == []
    assert versions(town) == {new: 1}
    assert town.nudge("month").intent.version != new
    assert town.why(first.nudge).state == "sent"


async def test_what_is_overdue_is_not_left_behind(town: World) -> None:
    """A nudge that waits although its time has come is taken over and goes, rather than being cancelled."""
    town.platform.rules.switches.pause(CHECK, author(WATER))
    assert await town.settle("2025-11-20T12:00+05:00") == []
    new = next_version(town, (RULES, "Правила 2020 года", "Правила 2025 года"))
    publish(town, CHECK, WATER, to_pending=True)
    town.plan()
    assert versions(town) == {new: 2}
    town.platform.rules.switches.resume(CHECK, author(WATER))
    assert len(await town.settle()) == 1


def test_a_publication_that_comes_while_somebody_is_planned_is_in_their_plan(town: World) -> None:
    """Who is planned by the rules of a moment ago is planned again: the waking is not lost."""
    new = next_version(town, AT_TEN)
    town.take(event("citizen.contact_changed", AIGERIM, "2025-06-30T00:00:00Z", {"phone": "+77701234568"}))
    platform, database = town.platform, MeddledDatabase(town.platform.settings.database)
    database.before_writes.append(lambda: publish(town, CHECK, WATER, to_pending=True))
    Planning(database, platform.log, platform.rules.library, town.clock).drain()
    town.plan()
    assert versions(town) == {new: 2}
    database.close()


def test_a_publication_that_is_cut_off_changes_nothing(town: World) -> None:
    """The fact, the moved reach and the waking are one transaction: all of it, or nothing."""
    next_version(town, AT_TEN)
    before, facts = shown(town.platform.rules.library.rules()), governance(town)
    database = MeddledDatabase(town.platform.settings.database)
    database.cut = True
    governing = type(town.platform.rules.approval)(
        database, town.platform.log, town.platform.identity.names, town.clock
    )
    with pytest.raises(PowerCut):
        governing.publish([reference(CHECK)], author(WATER), to_pending=True)
    assert (shown(town.platform.rules.library.rules()), governance(town)) == (before, facts)
    assert town.health().unplanned == 0
    database.close()


def test_killed_after_the_publication_the_next_process_plans(town: World) -> None:
    """Whom a publication concerns is in the database: another process plans them."""
    new = next_version(town, AT_TEN)
    publish(town, CHECK, WATER, to_pending=True)
    again = World(town.file.parent, now=JULY)
    again.plan()
    assert versions(again) == {new: 2}
    again.close()


async def test_a_withdrawn_trigger_comes_back_without_what_it_planned(town: World) -> None:
    """Published again, it looks from then on: what waited from before is in nobody's plan and does not go."""
    assert len(town.pending()) == 2
    town.platform.rules.switches.withdraw(CHECK, author(WATER))
    town.plan()
    town.at(JULY.replace(day=2))
    next_version(town, AT_TEN)
    publish(town, CHECK, WATER)
    town.plan()
    assert town.pending() == town.intents() == []
    assert await town.settle("2025-12-19T12:00+05:00") == []


# canaries


def people(town: World, count: int, time: str) -> None:
    """So many people get a meter."""
    for number in range(10, 10 + count):
        town.take(meter(iin(number), time))
    town.plan()


def test_a_canary_is_for_its_share_and_widens(town: World) -> None:
    """Some get the new version and the others the one before; then everybody who comes later gets the new one."""
    old = town.pending()[0].version
    new = next_version(town, AT_TEN)
    publish(town, CHECK, WATER, 0.5)
    people(town, 40, "2025-07-01T20:00:00Z")
    narrow = versions(town)
    assert 20 < narrow[new] < 60
    assert narrow[old] == 2 + 80 - narrow[new]
    town.at("2025-08-01T12:00+05:00")
    publish(town, CHECK, WATER)
    town.plan()
    assert versions(town) == narrow
    town.take(meter(DANA, "2025-08-01T20:00:00Z"))
    town.plan()
    assert versions(town)[new] == narrow[new] + 2
    assert town.pending() == town.intents()


def test_the_others_get_what_is_ahead_of_a_first_version(tmp_path: Path) -> None:
    """Out of its canary, a new trigger reaches those who got their meter meanwhile, but not what lies behind."""
    world = World(tmp_path, packs=[write_town(tmp_path, *UNTIMED)])
    other = write_town(tmp_path / "new", *UNTIMED)
    (other / CHECK).rename(other / "meter_due")
    approved(world, [other], "meter_due", WATER)
    publish(world, "meter_due", WATER, 0.3)
    people(world, 20, "2025-06-02T20:00:00Z")
    canary = [intent for intent in world.pending() if intent.trigger == "meter_due"]
    assert 0 < len(canary) < 40
    world.at("2025-11-25T12:00+05:00")
    publish(world, "meter_due", WATER)
    world.plan()
    after = [intent for intent in world.pending() if intent.trigger == "meter_due"]
    assert [intent for intent in after if intent in canary] == canary
    assert Counter(intent.step for intent in after) == {"day": 20, "month": len(canary) // 2}
    assert world.pending() == world.intents()
    world.close()


def test_a_canary_only_grows(town: World) -> None:
    """Whoever was told by a version is not taken out of it by publishing less of it."""
    next_version(town, AT_TEN)
    publish(town, CHECK, WATER, 0.5)
    with pytest.raises(NotAllowed, match="only grows"):
        publish(town, CHECK, WATER, 0.1)
    assert publish(town, CHECK, WATER, 0.7).new


# the rulebook of the past


def test_the_rulebook_of_any_past_moment_can_be_rebuilt(town: World) -> None:
    """Whatever was published, moved, paused or withdrawn later, the rules of a moment are those that held then."""
    library, seen = town.platform.rules.library, {}
    switches = town.platform.rules.switches
    with pytest.raises(NothingPublished):
        library.rules_at(NOON.replace(year=2020))
    acts: list[Callable[[], object]] = [
        lambda: next_version(town, AT_TEN),
        lambda: publish(town, CHECK, WATER, 0.2),
        lambda: publish(town, CHECK, WATER, to_pending=True),
        lambda: switches.pause(CHECK, author(WATER)),
        lambda: switches.control("channel", "sms", OPERATOR, stopped=True, reason="outage"),
        lambda: switches.resume(CHECK, approver(WATER)),
        lambda: next_version(town, AT_ELEVEN),
        lambda: publish(town, CHECK, WATER),
        lambda: switches.withdraw(CHECK, author(WATER)),
        lambda: publish(town, CHECK, WATER),
    ]
    for day, act in enumerate(acts, 2):
        seen[town.clock()] = shown(library.rules())
        town.at(JULY.replace(day=day))
        act()
    seen[town.clock()] = shown(library.rules())
    assert len({str(rules) for rules in seen.values()}) == len(acts) - 1, "what is handed in changes nothing yet"
    again = World(town.file.parent)
    for moment, rules in seen.items():
        assert shown(library.rules_at(moment)) == shown(again.platform.rules.library.rules_at(moment)) == rules
    again.close()


def test_views_are_rebuilt_with_all_governance(town: World) -> None:
    """After all that, the views folded from the log are the live ones."""
    next_version(town, AT_TEN)
    publish(town, CHECK, WATER, 0.4)
    publish(town, CHECK, WATER, to_pending=True)
    town.platform.rules.switches.pause(CHECK, author(WATER))
    town.plan()
    town.platform.replay.follower.drain()
    platform = town.platform
    found = rebuild(
        platform.database, platform.log, platform.identity.names, platform.rules.library.rules().catalogue, swap=True
    )
    assert found.equal, found.differences
    assert shown(town.platform.rules.library.rules())["stopped"] == [("paused", CHECK)]


def test_an_older_log_gets_the_built_in_event_types_of_this_release(town: World) -> None:
    """With the next publication a log has what the built-in pack says now, once."""
    [built_in, *_] = packs_in([])
    older = [each for each in built_in.content["events"] if each["type"] != "citizen.devices_changed"]
    append(town.platform, PackPublished(JULY, "pack", built_in.name, "older", {**built_in.content, "events": older}))
    assert not town.platform.delivery.inbound.devices.is_known
    for change in (AT_TEN, AT_ELEVEN):
        next_version(town, change)
        publish(town, CHECK, WATER)
        assert town.platform.delivery.inbound.devices.is_known
    facts = [entry.fact for entry in town.entries()]
    hashes = [each.hash for each in facts if isinstance(each, PackPublished) and each.pack == built_in.name]
    assert hashes == [built_in.hash, "older", built_in.hash]
