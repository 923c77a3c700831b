"""What `habarshy evidence` writes is checked by a script that stands alone, and nothing that was altered passes."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.engine import URL

from app.reports.evidence_file import FORMAT, signed_file
from domain.facts.principals import Principal, Role
from streams.log import chain
from streams.log.audit import head_of
from streams.log.chain import SignedBlock
from streams.log.chain_builder import ChainBuilder
from streams.log.signing import Signer
from streams.queries.evidence import NotAsWritten, NotChained, evidence
from streams.storage.tables import log
from tests.services import postgres
from tests.world import LONG_AGO, World, card, corrected, fine, iin, registered

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_evidence.py"
SIGNER, OTHER = Signer(b"s" * 32), Signer(b"o" * 32)
KEY = SIGNER.public.hex()
AIGERIM = iin(1)
OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
SIZE = 8


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script of the documentation, as a module."""
    spec = importlib.util.spec_from_file_location("verify_evidence", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


async def lived(world: World) -> UUID:
    """A life in which a card was issued, corrected, and told of; the nudge."""
    issued = card(AIGERIM, "2025-07-21")
    world.take(*registered(AIGERIM, LONG_AGO), issued)
    world.plan()
    world.take(corrected(issued, 2, expires_on="2025-07-20"))
    [message] = await world.settle("2025-06-20T09:00+05:00")
    ChainBuilder(world.platform.database, SIGNER, world.clock, SIZE).finish()
    return message.nudge


def pack(world: World, nudge: UUID, upto: int = 0, signer: Signer = SIGNER) -> bytes:
    """The evidence for the nudge, as the command writes it."""
    platform = world.platform
    with platform.database.reading() as connection:
        found = evidence(
            connection, platform.log, platform.rules.library.rules(), nudge, world.clock(), SIGNER.public, upto
        )
    return signed_file(found, signer, world.clock()).encode()


def heads(world: World) -> list[SignedBlock]:
    """All blocks."""
    with world.platform.database.reading() as connection:
        return chain.blocks_from(connection, 1, 1000)


def line(one: SignedBlock) -> bytes:
    """A head as it is deposited."""
    return msgspec.json.encode(head_of(one, SIGNER.public))


@pytest.fixture
async def told(world: World) -> tuple[World, UUID]:
    """A platform with a nudge that was sent."""
    return world, await lived(world)


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """A true file."""
    world = World(tmp_path_factory.mktemp("true"))
    yield pack(world, uvloop.run(lived(world)))
    world.close()


def resigned(data: bytes, change: Callable[[Any], object], signer: Signer = SIGNER) -> bytes:
    """The file with a change that whoever has the key made to it."""
    content = json.loads(data.split(b"\n")[0])
    change(content)
    changed = json.dumps(content, ensure_ascii=False).encode()
    return changed + b"\n" + signer.sign(FORMAT.encode() + b"\n" + changed).hex().encode() + b"\n"


def of(content: Any, what: str) -> list[Any]:
    """The facts of a kind."""
    return [fact for fact in content["facts"] if fact["of"] == what]


def test_a_true_file_passes_by_the_script_alone(true: bytes, tmp_path: Path) -> None:
    """A bare Python with `cryptography` says that it is true, and what is in it; with another key, that it is not."""
    file = tmp_path / "evidence"
    file.write_bytes(true)
    command = [sys.executable, "-I", str(SCRIPT), str(file), "--key"]
    done = subprocess.run([*command, KEY], capture_output=True, text=True, check=False, cwd=tmp_path)  # noqa: S603  (ourselves)
    assert (done.returncode, done.stderr) == (0, "")
    assert "identity_card_expiry.month" in done.stdout
    assert "nudge-attempted/1" in done.stdout
    other = subprocess.run([*command, OTHER.public.hex()], capture_output=True, text=True, check=False)  # noqa: S603  (ourselves)
    assert (other.returncode, other.stderr) == (1, "NOT TRUE: this key did not sign this content\n")


def test_the_script_needs_nothing_of_ours() -> None:
    """It imports the standard library and `cryptography`, nothing else."""
    tree = ast.parse(SCRIPT.read_text())
    modules = {
        node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    modules |= {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    assert modules - sys.stdlib_module_names == {"cryptography"}


@given(data=st.data())
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_byte_can_be_changed_taken_out_or_added(true: bytes, script: ModuleType, data: st.DataObject) -> None:
    """Wherever one byte becomes another, goes or comes, in the content or the signature, the file does not pass."""
    at = data.draw(st.one_of(st.integers(0, len(true) - 1), st.integers(len(true) - 131, len(true) - 1)))
    bit = data.draw(st.integers(0, 7))
    flipped = true[:at] + bytes([true[at] ^ 1 << bit]) + true[at + 1 :]
    for changed in (flipped, true[:at] + true[at + 1 :], true[:at] + b"\n" + true[at:], true[:at]):
        with pytest.raises(script.Untrue):
            script.verify(changed, KEY)


def test_it_has_the_facts_behind_the_nudge(true: bytes) -> None:
    """The rule, the event with its correction, what happened to the nudge, and the words; no national id."""
    content = json.loads(true.split(b"\n")[0])
    assert [fact["topic"] for fact in of(content, "rule")] == ["trigger-published/1"]
    assert [fact["reads"]["revision"] for fact in of(content, "event")] == [1, 2]
    assert of(content, "event")[1]["reads"]["data"]["public"]["expires_on"] == "2025-07-20"
    assert [fact["topic"] for fact in of(content, "nudge")][-2:] == ["nudge-attempted/1", "nudge-sent/1"]
    assert {fact["reads"]["type"] for fact in of(content, "person")} >= {"kz.citizen.registered"}
    assert "73-V" in content["why"]["legal_basis"]
    assert content["why"]["words"]
    assert AIGERIM not in true.decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: of(content, "nudge")[0].update(position=1),
        lambda content: of(content, "nudge")[0].update(version=7),
        lambda content: of(content, "nudge")[0].update(state="AAAA"),
        lambda content: of(content, "nudge")[-1].update(proof=[]),
        lambda content: of(content, "nudge")[-1]["reads"].update(at="2025-06-19T04:00:00Z"),
        lambda content: of(content, "event")[0]["reads"].update(time="2025-01-11T07:00:00Z"),
        lambda content: of(content, "event")[0]["reads"].update(source="/elsewhere"),
        lambda content: of(content, "event")[0]["reads"]["data"].update(mother={}),
        lambda content: of(content, "event")[0]["reads"].update(withdrawn=True),
        lambda content: of(content, "rule")[0]["reads"].update(by="somebody"),
        lambda content: content.update(nudge=str(UUID(int=1))),
        lambda content: content["chain"][0].update(upto=10**6),
        lambda content: content["chain"][0].update(at="2025-06-20T04:00:01Z"),
        lambda content: content["chain"].pop(),
    ],
)
def test_who_has_the_key_cannot_lie_about_what_is_stored(
    true: bytes, script: ModuleType, change: Callable[[Any], object]
) -> None:
    """Signed anew, a file still has to have the facts that are in the chain, and say what is stored in them."""
    script.verify(resigned(true, lambda _: None), KEY)
    with pytest.raises(script.Untrue):
        script.verify(resigned(true, change), KEY)


def test_who_signs_with_another_key_is_not_believed(true: bytes, script: ModuleType) -> None:
    """A file that another key signed, and that names this other key, does not pass by the published one."""
    forged = resigned(true, lambda content: content.update(public_key=OTHER.public.hex()), OTHER)
    with pytest.raises(script.Untrue, match="this key did not sign"):
        script.verify(forged, KEY)


def test_a_deposited_head_shows_when_it_was_known(told: tuple[World, UUID], script: ModuleType) -> None:
    """With the chain up to a deposited head, the facts were known when that was made; no other head will do."""
    world, nudge = told
    world.take(*(fine(AIGERIM, str(number), "2025-06-20T10:00:00+05:00") for number in range(3 * SIZE)))
    ChainBuilder(world.platform.database, SIGNER, world.clock, SIZE).finish()
    *_, last = heads(world)
    with_chain = pack(world, nudge, last.block.number)
    assert script.verify(with_chain, KEY, [b"", *map(line, heads(world))])[1] == last.block.number
    other = msgspec.structs.replace(last.block, root=b"r" * 32)
    with pytest.raises(script.Untrue, match="is another one"):
        script.verify(with_chain, KEY, [line(SignedBlock(other, SIGNER.sign(other.head), SIGNER.id))])
    with pytest.raises(script.Untrue, match="was not signed"):
        script.verify(with_chain, KEY, [line(SignedBlock(last.block, OTHER.sign(last.block.head), OTHER.id))])
    with pytest.raises(script.Untrue, match="ask for one made with"):
        script.verify(pack(world, nudge), KEY, [line(last)])


@pytest.mark.parametrize(
    "order", [lambda true, forged: [forged, *true[1:]][::-1], lambda true, forged: [*true, forged]]
)
def test_no_block_can_be_forged_before_a_deposited_head(
    told: tuple[World, UUID], script: ModuleType, order: Callable[[list[Any], Any], list[Any]]
) -> None:
    """Whoever has the key cannot put another block before a deposited head, in whichever order blocks are named."""
    world, nudge = told
    *_, last = heads(world)
    with_chain = pack(world, nudge, last.block.number)
    first = heads(world)[json.loads(with_chain.split(b"\n")[0])["chain"][0]["block"] - 1]
    earlier = msgspec.structs.replace(first.block, at=first.block.at - 1)
    forged = json.loads(line(SignedBlock(earlier, SIGNER.sign(earlier.head), SIGNER.id)))
    lie = resigned(with_chain, lambda content: content.update(chain=order(content["chain"], forged)))
    with pytest.raises(script.Untrue, match=r"follows another one|is there twice"):
        script.verify(lie, KEY, [line(last)])


def test_a_head_from_before_the_nudge_does_not_know_it(told: tuple[World, UUID]) -> None:
    """Facts that came after a deposited head are not shown by it, and nothing is written."""
    world, nudge = told
    with pytest.raises(NotChained):
        pack(world, nudge, 1)


def test_of_an_altered_log_there_is_no_evidence(told: tuple[World, UUID]) -> None:
    """Where a block does not hold what its head says, no file is made of it."""
    world, nudge = told
    issued = world.platform.identity.names.stream("/test", f"card-N1-{AIGERIM[6:11]}")
    altered = update(log).where(log.c.originator_id == issued).values(originator_version=9)
    world.platform.database.write(lambda connection: connection.execute(altered))
    with pytest.raises(NotAsWritten, match="audit verify"):
        pack(world, nudge)


def test_an_erased_person_leaves_true_evidence_without_their_data(
    told: tuple[World, UUID], script: ModuleType
) -> None:
    """After an erasure the facts are still proven to be there, and no longer say what nobody can read any more."""
    world, nudge = told
    before = pack(world, nudge)
    assert b"N1" in before
    person = world.name(AIGERIM)
    world.platform.database.write(lambda connection: world.platform.log.keys.destroy(connection, person))
    content, _ = script.verify(pack(world, nudge), KEY)
    assert {name for fact in of(content, "event") for name in fact["reads"]["data"]} <= {"public"}


def test_after_an_erasure_there_is_still_evidence_of_what_was_sent(
    told: tuple[World, UUID], script: ModuleType
) -> None:
    """A real erasure takes history, views and key: what was sent is proven, and no word of the person's is in it."""
    world, nudge = told
    before = len(of(script.verify(pack(world, nudge), KEY)[0], "nudge"))
    world.platform.privacy.erasure.erase(world.name(AIGERIM), OMAR, "asked")
    ChainBuilder(world.platform.database, SIGNER, world.clock, SIZE).finish()
    data = pack(world, nudge)
    content, _ = script.verify(data, KEY)
    assert len(of(content, "nudge")) >= before
    assert {name for fact in of(content, "event") for name in fact["reads"]["data"]} <= {"public"}
    for word in ("Айгерім", "a@example.org", "+77011234567", AIGERIM):
        assert word.encode() not in data, word
    assert json.dumps("Айгерім")[1:-1].encode() not in data


async def test_it_is_the_same_on_postgresql(tmp_path: Path, script: ModuleType, server: URL) -> None:
    """On PostgreSQL the same nudge has evidence that passes."""
    with postgres.fresh(server) as at:
        world = World(tmp_path, url=at.render_as_string(hide_password=False))
        content, _ = script.verify(pack(world, await lived(world)), KEY)
        assert [fact["topic"] for fact in of(content, "nudge")][-1] == "nudge-sent/1"
        world.close()
