"""What the files in `data/` may say. Import it in functions (kit.schemas imports pydantic)."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kit.schemas import Hint, Items, RootTable, Table, Texts, build_schema_error
from safeguarding.helplines import CRISIS, ELSEWHERE, UNSAFE_HOME

# Cards


class CardTable(Table):
    heading: str
    paragraphs: Texts
    next_step: str
    pause: str | None = None


class EveryCardTable(Table):
    disclosure: str
    pause: str
    quick_exit: str


class ReviewCardTable(Table):
    program: str
    disclosure: str
    on_call: str
    next: str
    none_planned: str
    lead_disclosure: str
    lead_on_call: str
    lead_next: str
    lead_none_planned: str
    no_reader: str
    closed: str
    parent: str
    no_parent: str
    link: str


class CardsFile(Table):
    """`cards.<language>.toml`. The other entries are the kinds of card (cards.CARD_KINDS)."""

    reviewed: bool = False
    every: EveryCardTable
    review: ReviewCardTable
    hints: CardTable
    stated: CardTable
    eating: CardTable
    someone_else: CardTable
    acute: CardTable
    acute_someone_else: CardTable
    unsafe_home: CardTable
    unsafe_home_someone_else: CardTable
    exploitation: CardTable


# Pauses, support, and texts in place of an answer


class CheckInTable(Table):
    heading: str
    paragraphs: Texts
    question: str


class EveryCheckInTable(Table):
    clinical: bool = False
    yes: str
    no: str
    unsaid: str
    waits: str
    answered: str


class ReviewCheckInTable(Table):
    answer: str
    lead_answer: str
    parent: str
    no_parent: str
    waits: str


class CheckInTables(Table):
    every: EveryCheckInTable
    review: ReviewCheckInTable
    hopeless: CheckInTable
    eating: CheckInTable
    unsafe: CheckInTable
    someone_else: CheckInTable


class SupportTable(Table):
    clinical: bool = False
    line: str
    who: str


class SupportTables(Table):
    burdened: SupportTable
    bullied: SupportTable
    someone_else: SupportTable
    identity: SupportTable


class CutTable(Table):
    clinical: bool = False
    heading: str
    paragraphs: Texts
    lesson: str = ""


class ReplyTable(CutTable):
    offers: Annotated[Texts, Hint("List what can be asked instead, each in quotes.")]


class RedirectTables(Table):
    companion: ReplyTable
    medical: ReplyTable
    legal: ReplyTable


class RefusalTables(Table):
    method: ReplyTable
    sexual: ReplyTable
    violence: ReplyTable
    hate: ReplyTable
    drugs: ReplyTable
    crime: ReplyTable
    injection: ReplyTable


class CutTables(Table):
    other: CutTable
    method: CutTable
    encouragement: CutTable
    isolation: CutTable
    secrets: CutTable
    claims_human: CutTable
    romance: CutTable
    flattery: CutTable
    sexual: CutTable
    hate: CutTable


class ResponsesFile(Table):
    """`response_texts.<language>.toml`. Its tables are named after the categories in response_texts."""

    reviewed: bool = False
    pause: CheckInTables
    support: SupportTables
    redirect: RedirectTables
    refuse: RefusalTables
    cut: CutTables


# Alerts to parents


class AlertTable(Table):
    subject: str
    text: str
    action: str


class TeenQuestionTable(Table):
    heading: str
    paragraphs: Texts
    question: str
    parent: str
    other_adult: str
    unsafe: str
    answered_parent: str
    answered_other_adult: str
    answered_unsafe: str


class AlertsFile(Table):
    """`alerts.<language>.toml`: what a parent is told, by level, and how the teen is asked first."""

    reviewed: bool = False
    lesson: Annotated[str, Field(pattern="^[a-z-]+/[a-z-]+$"), Hint("Name a lesson: module/lesson.")]
    stated: AlertTable
    acute: AlertTable
    ask: TeenQuestionTable


# Help lines

Need = Literal["crisis", "unsafe_home", "identity"]


class CallTable(Table):
    dial: str
    display: str


class TextTable(Table):
    to: str
    display: str
    keyword: str = ""


class HelpLineTable(Table):
    name: str
    hours: str
    languages: str
    call: CallTable | None = None
    text: TextTable | None = None
    chat: Annotated[str | None, Field(pattern="^https://.")] = None
    source: Annotated[str, Hint("Name the source of its facts.")]
    last_checked: Annotated[date, Hint("Give the day on which it was compared with its source: 2026-11-23.")]
    helps: Annotated[tuple[Need, ...], Items] = ("crisis",)

    @model_validator(mode="after")
    def _require_a_contact(self) -> Self:
        if not (self.call or self.text or self.chat):
            raise build_schema_error(f"“{self.name}” cannot be reached.", "Give “call”, “text” or “chat”.")
        return self


class CountryTable(Table):
    emergency: Annotated[str, Field(pattern="^[0-9]+$"), Hint("Give the emergency number, in quotes.")]
    lines: Annotated[tuple[HelpLineTable, ...], Items]

    @model_validator(mode="after")
    def _require_a_line_for_every_need(self) -> Self:
        for need in (CRISIS, UNSAFE_HOME):
            if not any(need in line.helps for line in self.lines):
                what = f"No help line of this country helps with “{need}”."
                raise build_schema_error(what, f'Add one with helps = ["{need}"].')
        return self


class HelpLinesFile(RootTable[dict[str, CountryTable]]):
    """`helplines.toml`: a table for each country, by its ISO 3166 code, and one for all others."""

    @model_validator(mode="after")
    def _require_elsewhere(self) -> Self:
        if ELSEWHERE not in self.root:
            raise build_schema_error(
                f"“{ELSEWHERE}” is missing.", "Add the help lines for all other countries."
            )
        return self
