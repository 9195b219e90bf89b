"""What a parent sees of a teen's conversations: what the two agreed on, and no more."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Person
from budgets.selectors import meter
from chat.budget_words import meter_said
from chat.models import ASKED, State, Turn
from chat.selectors import unsealed
from courses.models import Module
from families.models import Link
from families.terms import View
from guard import Category, Level

DAYS_SHOWN = 14
# A pause longer than this between two questions is time away from the tutor.
LONGEST_THOUGHT = timedelta(minutes=10)
EXCERPT = 160
TURNS_SHOWN = 200
# What points at an unsafe home is never shown to a parent, whatever was agreed (docs/safety.md, level S).
NEVER_SHOWN = Q(level=Level.UNSAFE_HOME) | Q(
    categories__overlap=[Category.UNSAFE_HOME, Category.EXPLOITATION]
)


@dataclass(frozen=True)
class Day:
    date: date
    questions: int
    minutes: int


@dataclass(frozen=True)
class Topic:
    """A module by its title; "" for questions that no lesson covers."""

    title: str
    questions: int


@dataclass(frozen=True)
class Overview:
    days: Sequence[Day]
    topics: Sequence[Topic]
    meter_words: str
    excerpts: Sequence[str] = ()
    turns: Sequence[Turn] = ()


def overview(link: Link, view: View) -> Overview:
    """The last two weeks of a teen, as far as `view` goes. Words appear in it only where `view` names them."""
    teen = link.teen
    turns = list(_turns(teen).only("asked_at", "ended_at", "passages"))
    flagged: Sequence[str] = ()
    shown: Sequence[Turn] = ()
    if view == View.FLAGGED:
        # What somebody said when a pause asked them is nobody else's: it was promised there.
        carded = _words(teen).filter(state=State.CARDED).exclude(layer=ASKED)
        flagged = [turn.question[:EXCERPT] for turn in carded.order_by("-asked_at")[:TURNS_SHOWN]]
    elif view == View.FULL:
        shown = list(_words(teen).order_by("-asked_at")[:TURNS_SHOWN])
    return Overview(
        days=_days(turns, teen),
        topics=_topics(turns),
        meter_words=meter_said(meter(owner=teen), teen),
        excerpts=flagged,
        turns=shown,
    )


def _turns(teen: Person) -> QuerySet[Turn]:
    since = timezone.now() - timedelta(days=DAYS_SHOWN)
    return Turn.objects.filter(conversation__owner=teen, asked_at__gte=since).exclude(NEVER_SHOWN)


def _words(teen: Person) -> QuerySet[Turn]:
    """Turns whose words may be shown. A helper with the password may agree to a wider view as the teen."""
    return _turns(teen).filter(unsealed(teen, "conversation__started_at"))


def _days(turns: Iterable[Turn], teen: Person) -> list[Day]:
    by_day: dict[date, list[Turn]] = {}
    for turn in sorted(turns, key=lambda turn: turn.asked_at):
        by_day.setdefault(turn.asked_at.astimezone(teen.zone).date(), []).append(turn)
    return [Day(day, len(asked), _minutes(asked)) for day, asked in sorted(by_day.items(), reverse=True)]


def _minutes(asked: Sequence[Turn]) -> int:
    """Minutes spent, from the first question on, leaving out long pauses; at least one."""
    spent = timedelta(minutes=1)
    for one, following in pairwise(asked):
        spent += min(following.asked_at - one.asked_at, LONGEST_THOUGHT)
    return max(1, round(spent.total_seconds() / 60))


def _topics(turns: Iterable[Turn]) -> list[Topic]:
    titles = dict(Module.objects.values_list("slug", "title"))
    counted = Counter(
        titles.get(turn.passages[0].split("/")[0], "") if turn.passages else "" for turn in turns
    )
    return [Topic(title, count) for title, count in counted.most_common()]
