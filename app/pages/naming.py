"""What fields and values of events are called: packs have titles for types and attributes only."""

from collections.abc import Mapping
from typing import Final

from domain.said import N_

FIELDS: Final[Mapping[str, str]] = {
    "number": N_("number"), "amount": N_("amount"), "kind": N_("kind"), "expires_on": N_("end of validity"),
    "issued_on": N_("date of issue"), "violated_on": N_("date of the violation"), "born_on": N_("date of birth"),
    "time": N_("time of the event"), "type": N_("what happened"), "granted_on": N_("date of the decision"),
    "pay_by": N_("last day to pay"), "year": N_("year"), "starts_on": N_("first day"), "ends_on": N_("last day"),
    "valid_until": N_("end of validity"), "enrol_by": N_("last day to enrol"), "planned_on": N_("planned day"),
    "order": N_("which child"), "plate": N_("number plate"), "age": N_("age"),
    "married_on": N_("date of the wedding"),
    "registered_on": N_("date of registration"), "joined_on": N_("day of joining the queue"), "mother": N_("mother"),
    "father": N_("father"), "child": N_("child"), "area": N_("area"), "home": N_("home"),
    "announced": N_("when it was announced"), "answer_by": N_("last day to answer"), "award": N_("award"),
    "cancelled_on": N_("day without classes"), "categories": N_("categories"),
    "changed_on": N_("date of the change"), "changes_on": N_("date of the change"), "children": N_("children"),
    "choose_by": N_("last day to choose"), "closed_from": N_("beginning of the closure"),
    "closed_until": N_("end of the closure"),
    "confirm_by": N_("last day to confirm"), "deceased": N_("deceased person"),
    "deregistered_on": N_("date of deregistration"), "died_on": N_("date of death"), "employer": N_("employer"),
    "ended_on": N_("date of the end"), "ends_at": N_("time of the end"), "enrolled_on": N_("date of enrolment"),
    "established_on": N_("date of the finding"), "expected_on": N_("expected day"), "grades": N_("school grades"),
    "inspected_on": N_("date of the inspection"), "insured_months": N_("months of insurance"),
    "left_on": N_("date of leaving"), "level": N_("level"), "listed_on": N_("day of joining the queue"),
    "meeting_point": N_("meeting point"), "offer": N_("offer"), "offered_on": N_("date of the offer"),
    "paid_until": N_("last day of the payment"), "reason": N_("reason"), "received_on": N_("date of receipt"),
    "screened_on": N_("date of the screening"), "season": N_("heating season"), "sex": N_("sex"),
    "started_on": N_("date of the beginning"), "starts_at": N_("time of the beginning"),
    "understood": N_("how the answer was understood"), "visit": N_("visit"), "what": N_("what it is about"),
    "from": N_("first day"), "until": N_("last day"),
}  # fmt: skip
"""Field -> its word; of an entitlement: `from`, `until`."""

VALUES: Final[Mapping[str, str]] = {
    "answer": N_("an answer"), "stop": N_("no more messages"), "stopped": N_("messages were stopped"),
    "mandatory": N_("required by law"), "unclear": N_("not clear"), "other": N_("something else"),
    "push": N_("push message"), "sms": N_("SMS"), "email": N_("email"), "high": N_("high"),
    "very_high": N_("very high"), "frost": N_("frost"), "storm": N_("storm"), "evening": N_("in the evening"),
    "morning": N_("in the morning"), "starts": N_("it begins"), "ends": N_("it ends"),
    "electricity": N_("electricity"), "water": N_("water"), "hot_water": N_("hot water"), "heat": N_("heating"),
    "simplified": N_("simplified"), "general": N_("general"), "male": N_("male"), "female": N_("female"),
    "marriage": N_("marriage"), "divorce": N_("divorce"), "identity_card": N_("identity card"),
    "passport": N_("passport"), "driving_licence": N_("driving licence"), "kumis_alqa": N_("Kumis Alqa"),
    "altyn_alqa": N_("Altyn Alqa"), "two_months": N_("at two months"), "three_months": N_("at three months"),
    "four_months": N_("at four months"), "one_year": N_("at one year"),
    "eighteen_months": N_("at eighteen months"), "two_years": N_("at two years"), "six_years": N_("at six years"),
    "eleven_years": N_("at eleven years"), "sixteen_years": N_("at sixteen years"), "accepted": N_("accepted"),
    "declined": N_("declined"), "first": N_("the first registration"), "moved": N_("a move"),
    "child": N_("child"), "property": N_("buildings"), "land": N_("land"), "vehicle": N_("vehicle"),
    "camera": N_("camera"), "officer": N_("officer"),
}  # fmt: skip
"""Value of an enumeration -> its word."""
