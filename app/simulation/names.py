"""Names of people: given names, family names and patronymics of two cultures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.simulation.citizens import Sex


@dataclass(frozen=True, slots=True)
class Culture:
    """A way of naming, and the languages that go with it.

    `fathers`: a man's given name -> the stem of his children's patronymic. `families`: in the male form.
    """

    fathers: Mapping[str, str]
    men: tuple[str, ...]
    women: tuple[str, ...]
    families: tuple[str, ...]
    endings: Mapping[Sex, str]
    languages: Mapping[str, float]
    wife_keeps_her_name: float

    def patronymic(self, father: str, sex: Sex) -> str:
        """Return the patronymic of a child of that sex: Нұрлан -> Нұрланқызы, Сергей -> Сергеевна."""
        return self.fathers[father] + self.endings[sex]


def family_for(family: str, sex: Sex) -> str:
    """Return the family name in the form for that sex: Ахметов -> Ахметова."""
    return family if sex == "male" else family + "а"


_KAZAKH_MEN: Final = (
    "Нұрлан Асхат Ербол Данияр Арман Айдос Бауыржан Ғалымжан Дәулет Ерлан Жандос Қанат Мақсат Мұрат Нұржан "
    "Олжас Рустем Санжар Серік Талғат Тимур Ұлан Әлихан Әділет Бекзат Ислам Мирас Нұрсұлтан Ринат Шыңғыс"
)
_KAZAKH_WOMEN: Final = (
    "Айгүл Айгерім Алия Анар Асель Ақмарал Аружан Әсем Ботагөз Гүлнар Дана Дариға Динара Жанар Жұлдыз Зарина "
    "Камила Қарлығаш Ләззат Мадина Меруерт Назгүл Назым Раушан Сәуле Тоғжан Томирис Ұлжан Шолпан Інжу"
)
_KAZAKH_FAMILIES: Final = (
    "Ахметов Оспанов Сәрсенов Нұрланов Жұмабаев Қасымов Әбдірахманов Сүлейменов Ибраев Исаев Бекетов Ермеков "
    "Төлегенов Смағұлов Серіков Искаков Мұқанов Жақыпов Байжанов Досжанов Алиев Есенов Омаров Молдабеков "
    "Рахимов Сейітов Тілеубаев Умаров Шаймерденов Юсупов"
)
_RUSSIAN_FATHERS: Final = {
    "Александр": "Александро",
    "Алексей": "Алексее",
    "Андрей": "Андрее",
    "Антон": "Антоно",
    "Виктор": "Викторо",
    "Владимир": "Владимиро",
    "Дмитрий": "Дмитрие",
    "Евгений": "Евгенье",
    "Иван": "Ивано",
    "Игорь": "Игоре",
    "Максим": "Максимо",
    "Михаил": "Михайло",
    "Николай": "Николае",
    "Олег": "Олего",
    "Павел": "Павло",
    "Роман": "Романо",
    "Сергей": "Сергее",
    "Юрий": "Юрье",
}
_RUSSIAN_WOMEN: Final = (
    "Александра Алина Анастасия Анна Валентина Вера Галина Дарья Екатерина Елена Ирина Ксения Людмила Марина "
    "Мария Надежда Наталья Ольга Светлана София Татьяна Юлия"
)
_RUSSIAN_FAMILIES: Final = (
    "Иванов Петров Кузнецов Попов Васильев Смирнов Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев "
    "Лебедев Семёнов Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров"
)

KAZAKH: Final = Culture(
    fathers={name: name for name in _KAZAKH_MEN.split()},
    men=tuple(_KAZAKH_MEN.split()),
    women=tuple(_KAZAKH_WOMEN.split()),
    families=tuple(_KAZAKH_FAMILIES.split()),
    endings={"male": "ұлы", "female": "қызы"},
    languages={"kk": 0.85, "ru": 0.10, "en": 0.05},
    wife_keeps_her_name=0.4,
)
RUSSIAN: Final = Culture(
    fathers=_RUSSIAN_FATHERS,
    men=tuple(_RUSSIAN_FATHERS),
    women=tuple(_RUSSIAN_WOMEN.split()),
    families=tuple(_RUSSIAN_FAMILIES.split()),
    endings={"male": "вич", "female": "вна"},
    languages={"kk": 0.02, "ru": 0.93, "en": 0.05},
    wife_keeps_her_name=0.1,
)
KAZAKH_SHARE: Final = 0.7
