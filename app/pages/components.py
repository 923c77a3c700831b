"""The page that shows every component of the pages, in the reader's language, for whoever makes or checks a page."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.pages.active_stops import StopNotice
from app.pages.catalogues import Speech
from app.pages.chart import small_chart
from app.pages.finding_words import FindingWords
from app.pages.layout import Pages, RoutedPages
from app.pages.work.drafts.controls import ConditionRow, Control, Length
from app.pages.work.field_places import FormField
from app.pages.work.trials.trial_pages import Cell
from domain.core.translatable import Said
from templates.authoring.condition_form import AND
from templates.authoring.trigger_form import UNITS
from templates.reading.findings import Finding


class Components(RoutedPages):
    """The page. It shows no data of anybody, so it needs no sign-in."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    @routes.get("/components")
    def components(self, request: Request) -> Response:
        """Show each component once."""
        frame = self._pages.frame(request)
        speech = frame.speech
        hours = [(f"{hour:02}:00", (hour * 7) % 24) for hour in range(24)]
        chart = small_chart(speech.say("Sample"), speech.say("Hour"), speech.say("today"), hours, 6)
        sample = speech.say("Sample")
        told = FindingWords(speech.say("Everything is stopped: no message goes out."), (), "", "habarshy status")
        return self._pages.respond(
            "components.html",
            frame,
            chart=chart,
            number=speech.number,
            stops=[StopNotice("", sample, told)],
            draft={"id": "sample", "files": {}},
            findings=[_FINDING],
            place=lambda found: [FormField(found, sample)],
            controls=list(_controls(speech)),
            units=[(code, speech.say(text)) for code, text in UNITS.items()],
            cells=[
                Cell(frame.language, "sms", "", sample, "1"),
                Cell(frame.language, "push", sample, sample, "1", actions=(speech.say("Pay the fine"),)),
                Cell(frame.language, "email", sample, sample, ""),
            ],
        )


_FINDING = Finding("trigger.yaml", 3, 1, Said("Write what is not right"), "category")


def _controls(speech: Speech) -> Iterator[Control]:
    """One control of each kind; the first has an error and a finding."""
    label = speech.say("Sample")
    options = [("one", speech.say("yes")), ("two", speech.say("no"))]
    groups = [(label, options)]
    same = [("==", "=")]
    row = ConditionRow("one", "==", "", "", same, (), "")
    more = {"rows": [row], "joint": AND, "fields": groups, "operators": same, "others": ()}
    yield Control("c.text", "text", label, error=speech.say("Write what is not right"), findings=[_FINDING])
    yield Control("c.short", "short", label, hint=speech.say("Reasons and proof follow below it."))
    yield Control("c.area", "area", label)
    yield Control("c.select", "select", label, "one", groups)
    yield Control("c.select_or", "select_or", label, "one", groups, more="")
    yield Control("c.length", "length", label, Length(number="3"), more=True)
    yield Control("c.until", "until", label, "one", groups, more=Length(number="3"))
    yield Control("c.radios", "radios", label, "one", [(*each, "") for each in options])
    yield Control("c.ticks", "ticks", label, ["one"], options)
    yield Control("c.tick", "tick", label, True, more="one")  # noqa: FBT003  (its value)
    yield Control("c.order", "order", label, ["one", "two", ""], options)
    yield Control("c.text_only", "text_only", label, "on: kz.document.issued")
    yield Control("c.condition", "condition", label, more=more)
