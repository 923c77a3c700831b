"""habarshy retire: what is not to be read any longer is read by nobody."""

from collections.abc import Iterator, Sequence

from app.cli.options import ConfirmOptions
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import operator_session
from app.identity import retired_list
from app.terminal import confirm, counted, print_json, print_json_or_lines, print_line, talk
from streams.privacy.retention import Over, RetentionResult


def retire(*, how: ConfirmOptions, on: TimedOptions) -> None:
    """Destroy the keys of content that is past its retention period; it cannot be undone."""
    with operator_session("retirements", on) as at:
        platform = at.platform
        wanted = platform.privacy.retention.scope()
        if how.plan:
            _show(wanted, as_json=how.as_json)
        for line in () if how.plan or how.yes else _lines(wanted):
            talk(line)
        if how.plan or not wanted:
            return
        confirm("make this unreadable for ever", str(sum(each.keys for each in wanted)), yes=how.yes)
        retired_list.add(platform.settings.key_file, wanted, platform.clock())
        done, clean = platform.privacy.retention.retire(at.who, wanted)
    _tell(done, clean=clean, as_json=how.as_json)


def _show(wanted: Sequence[Over], *, as_json: bool) -> None:
    for each in wanted if as_json else ():
        print_json(each)
    for line in () if as_json else _lines(wanted):
        print_line(line)


def _lines(wanted: Sequence[Over]) -> Iterator[str]:
    for each in wanted:
        keys, facts = counted(each.keys, "key"), counted(each.facts, "fact")
        yield f"{each.type} of {each.year} (limit {each.limit}): {keys}, one a person; {facts}"
    yield (
        "kept as proof of what was done: every fact, with its type, time and pseudonyms, and all about the messages"
        if wanted
        else "nothing is older than its limit"
    )


def _tell(done: Sequence[RetentionResult], *, clean: bool, as_json: bool) -> None:
    for each in done:
        line = f"{each.type} of {each.year}: {counted(each.keys, 'key')} destroyed, {each.kept:,} kept for now"
        print_json_or_lines(each, line, as_json=as_json)
    if any(each.kept for each in done):
        talk("kept: something still on its way depends on them; the next run looks again")
    if not clean:
        talk("somebody was reading: the write-ahead log is emptied by the next run")
