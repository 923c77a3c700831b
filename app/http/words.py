"""The words of the pages, in every language that they speak."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Words(Struct, frozen=True):
    """One language. A title and a lead for each thing that the pages can say."""

    ask: str
    ask_lead: str
    button: str
    done: str
    done_lead: str
    law: str
    mandatory: str
    mandatory_lead: str
    broken: str
    broken_lead: str
    answer_lead: str
    answer_button: str
    answered: str
    answered_lead: str


WORDS: Final[Mapping[str, Words]] = MappingProxyType({
    "kk": Words(
        ask="Хабарламаларды тоқтату",
        ask_lead="Түймені бассаңыз, мына хабарламалар сізге енді келмейді:",
        button="Тоқтату",
        done="Хабарламалар тоқтатылды",
        done_lead="Мына хабарламалар сізге енді келмейді:",
        law="Заң бойынша жіберілуге тиіс хабарламалар келе береді.",
        mandatory="Бұл хабарламаны тоқтатуға болмайды",
        mandatory_lead="Мемлекет оны сізге заң бойынша жіберуге міндетті:",
        broken="Сілтеме жарамсыз",
        broken_lead="Сілтеме бүлінген немесе толық көшірілмеген. Хабарламаны қайта ашып, ондағы сілтемені басыңыз.",
        answer_lead="Түймені бассаңыз, мына хабарламаға жауабыңыз жазылады:",
        answer_button="Растау",
        answered="Жауабыңыз қабылданды",
        answered_lead="Мына хабарламаға жауабыңыз жазылды:",
    ),
    "ru": Words(
        ask="Отключить сообщения",
        ask_lead="Если нажать кнопку, вам больше не будут приходить сообщения:",
        button="Отключить",
        done="Сообщения отключены",
        done_lead="Вам больше не будут приходить сообщения:",
        law="Сообщения, которые обязательны по закону, будут приходить и дальше.",
        mandatory="Это сообщение нельзя отключить",
        mandatory_lead="Государство обязано отправить его вам по закону:",
        broken="Ссылка не работает",
        broken_lead="Ссылка повреждена или скопирована не целиком. Откройте сообщение снова и нажмите на ссылку.",
        answer_lead="Если нажать кнопку, будет записан ваш ответ на сообщение:",
        answer_button="Подтвердить",
        answered="Ваш ответ принят",
        answered_lead="Записан ваш ответ на сообщение:",
    ),
    "en": Words(
        ask="Stop messages",
        ask_lead="If you press the button, you will no longer get these messages:",
        button="Stop",
        done="The messages are stopped",
        done_lead="You will no longer get these messages:",
        law="Messages that the law requires will still come.",
        mandatory="This message cannot be stopped",
        mandatory_lead="The law obliges the state to send it to you:",
        broken="The link does not work",
        broken_lead="It is damaged or was not copied whole. Open the message again and use the link in it.",
        answer_lead="If you press the button, your answer to this message is recorded:",
        answer_button="Confirm",
        answered="Your answer is recorded",
        answered_lead="This is the message that you answered:",
    ),
})  # fmt: skip
OTHERWISE: Final = "en"


def language_among(wished: str) -> str:
    """The language if there are words in it, else the one for everybody else."""
    return wished if wished in WORDS else OTHERWISE


def language_of_header(accept_language: str) -> str:
    """The first language of an Accept-Language header that there are words in (RFC 9110, 12.5.4; weights ignored)."""
    ranges = (part.partition(";")[0].strip().lower().partition("-")[0] for part in accept_language.split(","))
    return next((each for each in ranges if each in WORDS), OTHERWISE)
