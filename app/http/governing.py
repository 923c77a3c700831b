"""The rules over the API: what is published and what waits; approve, publish, pause; lint; figures."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import Path as InPath
from fastapi import Query, Request
from msgspec.structs import asdict
from pydantic import BaseModel, Field

from app.http import routes
from app.http.access import Access
from app.http.bodies import PRINTABLE, WITH_LETTERS
from app.http.bulkhead import Bulkhead
from app.http.problems import FieldError, Problem
from app.http.rule_refusals import refusals_as_problems
from app.http.shapes import Counts, Files, Findings, Governed, RuleList, Switched, WaitingList
from app.packs.draft_child import DraftTask
from app.packs.draft_children import children
from app.packs.rule_lines import version_rows
from domain.facts.access_facts import LEAST_SAID, MOST_SAID, WHAT_SAYS_WHY, says_why
from domain.facts.principals import Scope
from projections import statistics
from streams.replay.follower import Follower
from streams.rules.approval import Reference, SubmissionResult, subject
from streams.rules.wiring import RuleParts
from templates.reading.findings import listed

Name = Annotated[str, InPath(pattern="^(pack:)?[a-z][a-z0-9_]{0,79}$")]
Hash = Annotated[str, InPath(pattern="^[0-9a-f]{8,64}$")]
WholeHash = Annotated[
    str, InPath(pattern="^[0-9a-f]{64}$", description="The whole hash: a part may fit two versions")
]
MOST_DAYS = 366
MOST_BYTES = 2 * 1024 * 1024
_LINT, _FIGURES = "Check a pack", "Count outcomes by day and trigger"
_NAME = re.compile(r"[^\W\d][\w.-]*")
"""The name of a folder or file of a pack begins with a letter or underscore, for `..` is the folder above."""


class Release(BaseModel, extra="forbid"):
    """The share of all persons for which a version is published; below 1, a canary."""

    share: float = Field(default=1.0, gt=0, le=1)


class Because(BaseModel, extra="forbid"):
    """A reason, which the log keeps."""

    reason: str = Field(
        default="",
        max_length=MOST_SAID,
        pattern=f"^$|{WITH_LETTERS}",
        description=f"empty, or at most {MOST_SAID} characters with a letter among them; the log keeps it",
    )


class Comment(BaseModel, extra="forbid"):
    """An approver's comment on a version; the log keeps it."""

    comment: str = Field(default="", max_length=MOST_SAID, pattern=PRINTABLE)


class Refusal(BaseModel, extra="forbid"):
    """The reason of a refusal, for the version's author to read; the log keeps it."""

    reason: str = Field(
        min_length=LEAST_SAID,
        max_length=MOST_SAID,
        pattern=WITH_LETTERS,
        description=f"{WHAT_SAYS_WHY}; the author reads it, and the log keeps it",
    )


def _checked_reason(reason: str, least: int = LEAST_SAID) -> str:
    """Return a reason that says something.

    Raises:
        Problem: it says nothing, by the rule that pages and commands hold, too.
    """
    if not says_why(reason, least):
        error = FieldError(field="body.reason", reason="say why, in words", code="says_nothing")
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the reason says nothing", [error])
    return reason


class GovernCalls(routes.Routed, tags=["rules"]):
    """Acts as the official whose token the request has, by what the commands do."""

    def __init__(self, rules: RuleParts, follower: Follower, access: Access, bulkhead: Bulkhead) -> None:
        self._rules, self._follower, self._access, self._bulkhead = rules, follower, access, bulkhead

    def endpoints(self) -> Iterator[routes.Parts]:
        """Yield them; what takes long waits for its turn."""
        yield from super().endpoints()
        turn = [self._bulkhead.turn]
        yield "/lint", self.lint, {"methods": ["POST"], "summary": _LINT, "dependencies": turn}
        yield "/statistics", self.statistics, {"methods": ["GET"], "summary": _FIGURES, "dependencies": turn}

    @routes.get("/triggers", summary="List the published versions")
    def triggers(self, request: Request) -> RuleList:
        """Every published version of your agency's triggers."""
        who = self._access.official(request)
        governed = self._rules.library.rules().governed
        return RuleList.model_validate({"items": list(version_rows(governed, who))})

    @routes.post("/triggers/{name}/pause", summary="Pause sending for a trigger; planning continues")
    def pause(self, request: Request, name: Name, why: Because | None = None) -> Switched:
        """The same again changes nothing."""
        return self._switch(request, name, why, paused=True)

    @routes.post("/triggers/{name}/resume", summary="Resume sending for a trigger")
    def resume(self, request: Request, name: Name, why: Because | None = None) -> Switched:
        """The same again changes nothing."""
        return self._switch(request, name, why, paused=False)

    def _switch(self, request: Request, name: str, why: Because | None, *, paused: bool) -> Switched:
        who, switches = self._access.official(request), self._rules.switches
        reason = _checked_reason(why.reason, 1) if why is not None and why.reason else ""
        with refusals_as_problems():
            new = switches.pause(name, who, reason) if paused else switches.resume(name, who, reason)
        return Switched(trigger=name, paused=paused, new=new)

    @routes.get("/submissions", summary="List what waits for approval or publication")
    def submissions(self, request: Request) -> WaitingList:
        """Return the submissions that you may see."""
        who = self._access.official(request)
        items = [
            {
                "kind": each.about.kind,
                "name": each.about.name,
                "hash": each.hash,
                "owner": each.owner,
                "state": each.state,
                "refused_before": each.refused_before and each.refused_before.reason,
            }
            for each in self._rules.approval.waiting(who)
        ]
        return WaitingList.model_validate({"items": items})

    @routes.post("/submissions/{name}/{hash}/approve", summary="Approve this version")
    def approve(self, request: Request, name: Name, hash: WholeHash, said: Comment | None = None) -> Governed:
        """Approve a version that somebody else of the agency submitted; the same again changes nothing."""
        who, governing = self._access.official(request), self._rules.approval
        comment = said.comment if said is not None else ""
        with refusals_as_problems():
            return _governed(governing.approve(governing.find(Reference(subject(name), hash), who), who, comment))

    @routes.post("/submissions/{name}/{hash}/refuse", summary="Refuse this version")
    def refuse(self, request: Request, name: Name, hash: WholeHash, why: Refusal) -> Governed:
        """An approver of the agency; it is not published until it is submitted or approved again."""
        who, governing = self._access.official(request), self._rules.approval
        reason = _checked_reason(why.reason)
        with refusals_as_problems():
            return _governed(governing.refuse(governing.find(Reference(subject(name), hash), who), who, reason))

    @routes.post("/submissions/{name}/{hash}/publish", summary="Publish an approved version")
    def publish(self, request: Request, name: Name, hash: Hash, release: Release) -> Governed:
        """Publish a version for everybody, or for a share of all persons first; the same again changes nothing."""
        who = self._access.official(request)
        with refusals_as_problems():
            [done] = self._rules.approval.publish([Reference(subject(name), hash)], who, share=release.share)
        return _governed(done)

    def lint(self, request: Request, files: Files) -> Findings:
        """Check files and report findings by file, line and column, with what was probably meant; nothing is kept."""
        self._access.official(request)
        with _folder(files) as folder:
            found, more = listed(children().findings(DraftTask("lint", (str(folder),), str(folder))))
            items = [asdict(each) | {"path": each.path.removeprefix(f"{folder}/")} for each in found]
        return Findings.model_validate({"items": items, "more": more})

    def statistics(
        self, request: Request, since: Annotated[date, Query(alias="from")], until: Annotated[date, Query(alias="to")]
    ) -> Counts:
        """Return counts of your agency's triggers, from one day to another, both inclusive, a year at most."""
        who = self._access.caller(request)
        if Scope.STATISTICS not in who.scopes and not who.roles:
            raise Problem(HTTPStatus.FORBIDDEN, "the key has not the scope statistics", kind="not-allowed")
        if not timedelta() <= until - since <= timedelta(days=MOST_DAYS):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"from one day to a later one, {MOST_DAYS} days at most")
        self._follower.drain()
        owners = self._rules.library.rules().governed.owners
        with self._rules.context.database.reading() as connection:
            rows = statistics.between(connection, since, until)
        mine = [row for row in rows if (owner := owners.get(row[1])) is not None and who.may_read(owner)]
        names = ("day", "trigger", "what", "count")
        return Counts.model_validate({"items": [dict(zip(names, row, strict=True)) for row in mine]})


def _governed(done: SubmissionResult) -> Governed:
    return Governed(name=str(done.submission.about), hash=done.submission.hash, new=done.new)


@contextmanager
def _folder(files: Files) -> Iterator[Path]:
    """The files in a folder that goes again.

    Raises:
        Problem: they are too large, or a path leads out of the folder.
    """
    if sum(len(text.encode("utf-8", "surrogatepass")) for text in files.files.values()) > MOST_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the pack has more than {MOST_BYTES // 1024} kB")
    with tempfile.TemporaryDirectory(prefix="habarshy-lint-") as made:
        folder = Path(made) / "pack"
        for name, text in files.files.items():
            _write(folder, PurePosixPath(name), text)
        yield folder


def _write(folder: Path, name: PurePosixPath, text: str) -> None:
    parts = name.parts
    if not 1 <= len(parts) <= 3 or any(not _NAME.fullmatch(part) for part in parts):  # noqa: PLR2004  (pack, trigger, file)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "a path is no file of a pack, as in card_ends/trigger.yaml")
    path = folder.joinpath(*parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except (OSError, ValueError):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "a file cannot be kept under its path, or as UTF-8") from None
