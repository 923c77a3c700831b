import pytest

from domain.core.events import LifeEvent
from domain.persons.history import history_of, lives_in
from domain.rules.event_types import Catalogue
from tests.domain.given import given
from tests.domain.world import AIDA, CATALOGUE, annulment, at, correction, moved, paper, storm

ALMATY_CITY, KASKELEN, REGION = "750000000", "195220100", "190000000"
CAME = moved("2025-01-01", KASKELEN, "came")
LEFT = moved("2025-03-01", ALMATY_CITY, "left")


def _storms(*recorded: LifeEvent, areas: tuple[LifeEvent, ...]) -> list[str]:
    facts = given(*recorded, areas=areas).history.facts
    return [one.original_id for one in facts if one.event.type == "weather.storm"]


@pytest.mark.parametrize(
    ("time", "joins"),
    [
        ("2024-12-31", False),
        ("2025-01-01 00:01", True),
        ("2025-02-28", True),
        ("2025-03-01 00:01", False),
        ("2025-04-01", False),
    ],
)
def test_an_area_fact_belongs_to_who_lived_there_then(time: str, *, joins: bool) -> None:
    """Whoever moved away before, or in after, has no part in it, whenever the move was reported."""
    for order in ([CAME, LEFT], [LEFT, CAME]):
        assert _storms(*order, areas=(storm(time, KASKELEN),)) == ["storm"] * joins


def test_moving_back_counts_again() -> None:
    """A residence is what it was at the time of the area fact."""
    back = moved("2025-05-01", KASKELEN, "back")
    areas = (storm("2025-04-01", KASKELEN, "no"), storm("2025-06-01", KASKELEN, "yes"))
    assert _storms(CAME, LEFT, back, areas=areas) == ["yes"]


def test_who_never_said_where_they_live_lives_nowhere() -> None:
    """Without an area there is no area fact, also not of the whole country's first region."""
    assert _storms(paper(), areas=(storm("2025-02-01", KASKELEN), storm("2025-02-01", REGION))) == []


def test_a_corrected_move_is_as_if_it_had_been_so_from_the_start() -> None:
    """When the registry corrects where somebody moved to, the area facts follow."""
    corrected = correction(CAME, moved("2025-01-01", ALMATY_CITY, "came"))
    assert _storms(CAME, corrected, areas=(storm("2025-02-01", KASKELEN),)) == []
    assert _storms(CAME, corrected, areas=(storm("2025-02-01", ALMATY_CITY),)) == ["storm"]


def test_an_area_fact_is_corrected_and_annulled_like_any_other() -> None:
    """The highest revision says which area it is, if it is any."""
    first = storm("2025-02-01", KASKELEN)
    assert _storms(CAME, areas=(first, correction(first, storm("2025-02-01", ALMATY_CITY)))) == []
    assert _storms(CAME, areas=(correction(first, storm("2025-02-01", REGION)), first)) == ["storm"]
    assert _storms(CAME, areas=(first, annulment(first))) == []


def test_area_facts_are_in_the_order_of_the_history() -> None:
    """Area facts stand among the person's own by their time."""
    history = given(LEFT, CAME, areas=(storm("2025-02-01", KASKELEN),)).history
    assert [one.original_id for one in history.facts] == ["came", "storm", "left"]


def test_area_facts_set_nothing_on_the_person() -> None:
    """A storm over an area moves nobody there: only their own facts say where they live."""
    areas = (storm("2025-02-01", REGION, "wide"), storm("2025-02-02", KASKELEN, "narrow"))
    assert _storms(CAME, areas=areas) == ["wide", "narrow"]


@pytest.mark.parametrize(
    ("residence", "area", "within"),
    [
        ("105660100", "100000000", True),  # a village, and its region
        ("105660100", "105600000", True),  # and its district
        ("105660100", "105660000", True),  # and its rural district
        ("105660100", "105660100", True),  # and itself
        ("105660100", "105660200", False),  # the village next to it
        ("105660100", "105800000", False),
        ("105660100", "110000000", False),
        ("105600000", "105660100", False),  # only the district is known: not every village of it
        ("100000000", "105600000", False),
        (None, "100000000", False),
    ],
)
def test_codes_nest_by_their_levels(residence: str | None, area: str, *, within: bool) -> None:
    """A code whose last digits are zeros stands for the whole level above them."""
    assert lives_in(residence, area, (2, 4, 6, 9)) is within


@pytest.mark.parametrize(("residence", "within"), [("105660100", False), ("100000000", True), (None, False)])
def test_without_levels_only_the_same_code_counts(residence: str | None, *, within: bool) -> None:
    """A jurisdiction whose codes do not nest compares them whole."""
    assert lives_in(residence, "100000000", ()) is within


def test_the_levels_are_those_of_the_catalogue() -> None:
    """Whether codes nest is said by the jurisdiction, not by the history."""
    flat = Catalogue(CATALOGUE.types, CATALOGUE.attributes)
    region = [storm("2025-02-01", REGION)]
    assert len(history_of(AIDA, [CAME], CATALOGUE, region).facts) == 2
    assert len(history_of(AIDA, [CAME], flat, region).facts) == 1


def test_a_move_and_a_storm_of_the_same_moment_keep_the_order_of_their_ids() -> None:
    """Ties are settled as everywhere: by source, then by id."""
    assert at("2025-01-01") == CAME.time
    assert _storms(CAME, areas=(storm("2025-01-01", KASKELEN, "a"), storm("2025-01-01", KASKELEN, "d"))) == ["d"]
