"""The work of replays, made from the arguments of their jobs; composed without anything that could send."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import convert
from sqlalchemy import Table

from app.compose import Platform
from app.identity.key_file import BadKeyFile
from app.jobs.rebuild_executor import executor_for
from app.jobs.verify_executor import verify_executor
from app.kafka_topics import topics_of
from app.terminal import talk
from domain.core.translatable import Words
from streams.kafka.republish import Range, Republishing
from streams.queues.jobs import Work
from streams.replay.audit_job import AuditJob
from streams.replay.rebuild import ViewRebuild
from streams.replay.rebuild_compare import COMPARED
from streams.replay.sample import Sample, SampleRequest
from streams.replay.verify import Verification
from templates.reading.findings import hint

VIEWS: Mapping[str, Table] = {str(table.name): table for table in COMPARED}
"""The views that can be rebuilt."""


class UnknownView(Exception):
    """Raised when no view has that name."""

    def __init__(self, name: str) -> None:
        known = {"name": repr(name), "hint": hint(name, VIEWS), "names": ", ".join(VIEWS)}
        super().__init__(Words("There is no view {name}{hint}. The views are: {names}.", **known))


def views_named(names: Iterable[str]) -> list[str]:
    """Return the views of these names, each once, in the order in which they are kept.

    Raises:
        UnknownView: there is none of such a name.
    """
    given = set(names)
    for name in given.difference(VIEWS):
        raise UnknownView(name)
    return [name for name in VIEWS if name in given]


def verify(platform: Platform, _arguments: Mapping[str, Any]) -> Work:
    """Rebuild and compare all views, plan everybody again and compare; change nothing."""
    return Verification(_rebuilding(platform, VIEWS, swap=False), platform.log, verify_executor(platform))


def sample(platform: Platform, arguments: Mapping[str, Any]) -> Work:
    """Plan some persons again and compare; change nothing."""
    return Sample(platform.log, platform.rules.library, convert(arguments, SampleRequest))


def audit(platform: Platform, _arguments: Mapping[str, Any]) -> Work:
    """Check every fact in the chain; change nothing. Raises BadKeyFile where no key that signs is in it."""
    signer = platform.runtime.chain_builder.signer
    if signer is None:
        raise BadKeyFile(
            platform.settings.key_file, Words("it has no key that signs heads (`habarshy migrate` adds one)")
        )
    return AuditJob(platform.database, signer.public)


def kafka(platform: Platform, arguments: Mapping[str, Any]) -> Work:
    """Send a range of the log to a topic once more."""
    chosen, topics = Range(arguments["after"], arguments["upto"]), topics_of(platform.settings)
    to, names = arguments["topic"] or topics.replays, platform.identity.names
    return Republishing(platform.database, names, topics, to, chosen, arguments["job"])


def views(platform: Platform, arguments: Mapping[str, Any]) -> Work:
    """Rebuild the views, and mend the live ones where they differ."""
    return _rebuilding(platform, arguments["views"], swap=True)


def _rebuilding(platform: Platform, names: Iterable[str], *, swap: bool) -> ViewRebuild:
    """Return a rebuild by the rules of the log itself, because the view that locates them may be wrong."""
    with platform.database.reading() as connection:
        catalogue = platform.rules.library.rules_of_log(connection).catalogue
    on, tables, executor = platform, [VIEWS[name] for name in names], executor_for(platform, catalogue)
    return ViewRebuild(
        on.database, on.log, on.identity.names, catalogue, talk, views=tables, swap=swap, executor=executor
    )
