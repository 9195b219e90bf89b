"""The yearly report as a CSV file and as a PDF, in the page's language: the numbers, and the protocols in plain words.

The layout of the PDF is in yearly_report.typ.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import typst
from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kit.typesetting import can_typeset, get_typst_language, typeset
from safeguarding.models import CountKind
from safeguarding.review import is_review_recorded
from safeguarding.yearly_report import CARD_LEVELS, ReviewPeriod, YearlyReport, get_week_end

TEMPLATE = Path(__file__).with_name("yearly_report.typ")
# What is counted by level; the rest only in total.
COUNTED_BY_LEVEL = (
    CountKind.REFERRAL,
    CountKind.CARD,
    CountKind.UNSTORED_CARD,
    CountKind.MISREAD_CARD,
    CountKind.FALSE_ALARM,
)
COUNTED_IN_TOTAL = (CountKind.CHECK_IN, CountKind.GUARD_OUTAGE)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The first column has names, the others numbers if `is_numeric`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_numeric: bool = True


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    paragraphs: Sequence[str] = ()
    table: Table | None = None


def list_csv_columns() -> list[str]:
    return [
        _("What"),
        _("From"),
        _("To"),
        _("Level"),
        _("Guard and texts"),
        _("Number"),
        _("Text"),
    ]


def list_csv_rows(report: YearlyReport) -> list[list[str]]:
    """Return the report one fact a line, with dates as in 2026-11-30."""
    return [*_list_count_rows(report), *_list_text_rows(report)]


def _list_count_rows(report: YearlyReport) -> Iterator[list[str]]:
    first, until = date(report.year, 1, 1), report.until
    for kind in COUNTED_BY_LEVEL:
        for level in CARD_LEVELS:
            count = str(report.count(kind, level))
            yield _build_csv_row(str(kind.label), first, until, level=level, count=count)
    for kind in COUNTED_IN_TOTAL:
        yield _build_csv_row(str(kind.label), first, until, count=str(report.count(kind)))
    for week in report.weeks:
        for level in CARD_LEVELS:
            count = str(week.cards[level])
            yield _build_csv_row(
                _("crisis cards of a week"), week.begins, week.ends, level=level, count=count
            )


def _list_text_rows(report: YearlyReport) -> Iterator[list[str]]:
    first, until = date(report.year, 1, 1), report.until
    for used in report.protocols:
        yield _build_csv_row(
            _("weeks under a version"), used.first_week, get_week_end(used.last_week), version=used.version
        )
    for period in report.reviews:
        yield _build_csv_row(_("who reviews"), period.begins, period.ends, text=describe_review(period))
    for section in (build_response_protocol(), build_model_protocol()):
        for paragraph in section.paragraphs:
            yield _build_csv_row(section.title, first, until, text=paragraph)
    yield _build_csv_row(_("how it was counted"), first, until, text=describe_counting())


def _build_csv_row(
    what: str,
    begins: date,
    ends: date,
    *,
    level: str = "",
    version: str = "",
    count: str = "",
    text: str = "",
) -> list[str]:
    return [what, begins.isoformat(), ends.isoformat(), level, version, count, text]


def render_report_pdf(report: YearlyReport) -> bytes:
    """Return the report as a PDF. The same report gives the same bytes in the same language."""
    document = {
        "heading": _("Crisis referrals in %(year)d") % {"year": report.year},
        "lede": describe_counting(),
        "period": describe_period(report),
        "sections": [asdict(section) for section in build_sections(report)],
    }
    language = get_typst_language(get_language() or "en")
    source = TEMPLATE.read_bytes()
    try:
        return typeset(source, {"document": json.dumps(document), "language": language}, on=report.until)
    except typst.TypstError:
        # What an organization recorded may have letters that our fonts lack.
        printable = _keep_printable(json.dumps(document, ensure_ascii=False))
        return typeset(source, {"document": printable, "language": language}, on=report.until)


def _keep_printable(text: str) -> str:
    unknown = {letter for letter in set(text) if not letter.isascii() and not can_typeset(letter)}
    return "".join("?" if letter in unknown else letter for letter in text)


def build_sections(report: YearlyReport) -> list[Section]:
    """Return the report's sections, with the numbers in tables."""
    levels = [str(level.label) for level in CARD_LEVELS]
    counts = [
        [
            _capitalize(kind.label),
            *(str(report.count(kind, level)) for level in CARD_LEVELS),
            str(report.count(kind)),
        ]
        for kind in COUNTED_BY_LEVEL
    ]
    totals = [
        [_capitalize(kind.label), *("" for _level in CARD_LEVELS), str(report.count(kind))]
        for kind in COUNTED_IN_TOTAL
    ]
    weeks = [
        [_format_days(week.begins, week.ends), *(str(week.cards[level]) for level in CARD_LEVELS)]
        for week in report.weeks
    ]
    versions = [
        [protocol.version, _format_day(protocol.first_week), _format_day(protocol.last_week)]
        for protocol in report.protocols
    ]
    return [
        Section(
            title=_("The numbers of the year"),
            table=Table(columns=[_("What"), *levels, _("All")], rows=[*counts, *totals]),
        ),
        Section(
            title=_("Crisis cards by week"),
            paragraphs=() if weeks else [_("There were none.")],
            table=Table(columns=[_("Week"), *levels], rows=weeks) if weeks else None,
        ),
        Section(
            title=_("Versions of guard and texts"),
            paragraphs=[
                _("Each week names the version of the guard, and the beginning of the hash of its texts.")
                if versions
                else _("Nothing was counted.")
            ],
            table=Table(
                columns=[_("Version"), _("First week from"), _("Last week from")],
                rows=versions,
                is_numeric=False,
            )
            if versions
            else None,
        ),
        Section(
            title=_("Who reviews"),
            paragraphs=[
                f"{_format_days(period.begins, period.ends)}: {describe_review(period)}"
                for period in report.reviews
            ],
        ),
        build_response_protocol(),
        build_model_protocol(),
    ]


def describe_period(report: YearlyReport) -> str:
    days = _format_days(date(report.year, 1, 1), report.until)
    return days if report.is_complete else _("%(days)s: the year has not ended.") % {"days": days}


def describe_counting() -> str:
    return _(
        "These are counts without names, words or accounts. The site adds to them at the moment of each card,"
        " and its database refuses to lower or delete one, so no one can edit them. A referral is a crisis of"
        " one person: cards within a day of each other count as one. Practice drills are not counted. Weeks begin "
        "on Monday or on January 1, in UTC."
    )


def describe_review(period: ReviewPeriod) -> str:
    """Say who reviewed crises, as it was recorded, or that no one did."""
    record = period.record
    if record is None:
        return _("No one reviewed crises. The screens said that no one reads what teens write.")
    facts: Mapping[str, str] = {
        "organization": record.organization,
        "responsible": record.responsible_name,
        "deputies": ", ".join(record.deputy_names) or _("no one"),
        "training": record.training,
        "hours": record.hours,
        "advice": record.legal_advice,
    }
    return (
        _(
            "%(organization)s reviewed crises. Responsible: %(responsible)s. Deputies: %(deputies)s. Training: "
            "%(training)s. Hours: %(hours)s. Legal advice: %(advice)s."
        )
        # “8 p.m.” has a period already.
        % {name: fact.removesuffix(".") for name, fact in facts.items()}
    )


def build_response_protocol() -> Section:
    """Return the protocol to detect, remove and respond (Cal. Bus. & Prof. Code §22603)."""
    return Section(
        title=_("How a crisis is detected, removed and responded to"),
        paragraphs=[
            _(
                "Programs read each message to the tutor before a model does: rules in plain language, in English and "
                "Spanish, and two networks that learned from example messages. They never learn from what people write "
                "here. A message is read together with the ones before it, and the most careful result decides."
            ),
            _(
                "Someone who writes that they want to die, hurt themselves, or have trouble with eating is shown a "
                "card with fixed text and help lines instead of an answer. If there are signs of a plan, it begins "
                "with the emergency number. If a home or a person isn’t safe, it has the lines that protect children, "
                "and no parent is shown it."
            ),
            _(
                "If there are only hints, the lesson pauses for two minutes and one direct question is asked, with the "
                "help lines beside it. A yes leads to a card."
            ),
            _(
                "After a card the tutor rests for 5 minutes, or for 30 if there are signs of a plan. Where home isn’t "
                "safe it doesn’t rest, so that nothing shows."
            ),
            _(
                "A card costs nothing, and needs no model, queue or allowance. It is also shown without an account, "
                "without consent, and while the tutor is closed. The help lines need no sign-in."
            ),
            _(
                "While people reviewed crises (see “Who reviews”), a card to a teen whose consent says so also opened"
                " an incident. A reviewer first sees its level and age, then a short part of the message, and the "
                "teen sees each time someone reads. Only a reviewer can have an adult told, after the teen was asked "
                "where time allows, and no parent is told where home may not be safe. Then only the responsible "
                "person and recorded deputies may open it, unless a life is in danger right now. No one opens an "
                "incident about a teen in their own family."
            ),
            _(
                "Programs miss some messages, and some cards weren’t needed. The public page “What happens in a "
                "crisis” says how many in our tests."
            ),
        ],
    )


def build_model_protocol() -> Section:
    """Return the protocol that keeps the tutor from responses of its own about suicidal ideation."""
    is_reviewed = is_review_recorded(settings.CRISIS_TEXTS_REVIEW)
    return Section(
        title=_("How the tutor is kept from its own words about suicide and self-harm"),
        paragraphs=[
            _(
                "No model writes a card, a check-in or a refusal. Their texts are fixed, in files that the versions "
                "above name."
            ),
            _(
                "Someone has reviewed the texts of the cards, and the people who run this site keep the record."
            )
            if is_reviewed
            else _("A clinician hasn’t reviewed the texts of the cards yet."),
            _(
                "A message in which a crisis is found isn’t given to a model to answer. If one is found while an "
                "answer is being written, the answer ends and the card takes its place."
            ),
            _(
                "Each answer is read twice while a model writes it: word by word by rules, and sentence by sentence, "
                "with its question, by a network. The answer ends if it has methods or encouragement of self-harm, "
                "tips for eating disorders, contempt, romance, a diagnosis or a dose, or a claim to be human."
            ),
            _(
                "Fixed words replace an answer that ended like this. If that becomes clear only when a sentence ends, "
                "words that were already shown are taken back. What was cut isn’t saved, and no model is sent it again."
            ),
            _(
                "It doesn’t catch everything, above all new ways to say something, and what is unsafe only together "
                "with what was said before."
            ),
        ],
    )


def _capitalize(label: object) -> str:
    text = str(label)
    return text[:1].upper() + text[1:]


def _format_day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _format_days(begins: date, ends: date) -> str:
    return f"{_format_day(begins)} – {_format_day(ends)}"
