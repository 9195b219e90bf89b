"""What a parent sees of a teen's conversations: what the two agreed on, and no more."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Person
from budgets.selectors import meter
from chat.models import ASKED, State, Turn
from chat.replies import meter_said
from chat.selectors import turns_once, unsealed
from courses.selectors import module_titles
from families.models import Link
from families.terms import View
from families.wider_views import Sight, sight_of
from guard import Category, Level

DAYS_SHOWN = 14
# A pause longer than this between two questions is time away from the tutor.
LONGEST_THOUGHT = timedelta(minutes=10)
EXCERPT = 160
TURNS_A_PAGE = 50
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
    # The id of the turn after which the next page of excerpts or turns begins; "" on the last one.
    older: str = ""


def overview(link: Link, sight: Sight, before: Turn | None = None) -> Overview:
    """The last two weeks of a teen, as far as `sight` goes. Words appear in it only where its view names them.

    They come in pages, newest first: those before the turn `before`, or the newest.
    """
    teen = link.teen
    view = sight.view
    turns = list(_turns(teen, sight).only("asked_at", "ended_at", "passages"))
    words = _words(teen, sight)
    if before:
        words = words.filter(asked_at__lte=before.asked_at).filter(
            Q(asked_at__lt=before.asked_at) | Q(pk__lt=before.pk)
        )
    words = words.select_related("conversation__owner").order_by("-asked_at", "-pk")
    found = list(words[: TURNS_A_PAGE + 1])
    shown = found[:TURNS_A_PAGE]
    return Overview(
        days=_days(turns, teen),
        topics=_topics(turns),
        meter_words=meter_said(meter(owner=teen), teen),
        excerpts=[turn.question[:EXCERPT] for turn in shown] if view == View.FLAGGED else (),
        turns=shown if view == View.FULL else (),
        older=str(shown[-1].pk) if len(found) > TURNS_A_PAGE else "",
    )


def turn_in_view(link: Link, turn_id: str) -> Turn:
    """A turn whose words the parent of `link` may see now. Raises Turn.DoesNotExist for any other."""
    try:
        return _words(link.teen, sight_of(link)).only("asked_at").get(pk=UUID(turn_id))
    except ValueError as fault:
        raise Turn.DoesNotExist from fault


def _turns(teen: Person, sight: Sight) -> QuerySet[Turn]:
    since = max(timezone.now() - timedelta(days=DAYS_SHOWN), sight.topics_since)
    return turns_once(Turn.objects.filter(conversation__owner=teen, asked_at__gte=since)).exclude(NEVER_SHOWN)


def _words(teen: Person, sight: Sight) -> QuerySet[Turn]:
    """Turns whose words may be seen. Someone who helped with the password may agree to a wider view as the teen."""
    open_turns = _turns(teen, sight).filter(unsealed(teen, "conversation__started_at"))
    # What a teen answers when a pause asks stays theirs: the pause promises it.
    flagged = Q(state=State.CARDED) & ~Q(layer=ASKED) & _since(sight.flagged_since)
    match sight.view:
        case View.FULL if sight.full_since is None:
            return open_turns
        case View.FULL:
            return open_turns.filter(_since(sight.full_since) | flagged)
        case View.FLAGGED:
            return open_turns.filter(flagged)
        case _:
            return open_turns.none()


def _since(moment: datetime | None) -> Q:
    return Q(asked_at__gte=moment) if moment else Q()


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
    titles = dict(module_titles())
    counted = Counter(
        titles.get(turn.passages[0].split("/")[0], "") if turn.passages else "" for turn in turns
    )
    return [Topic(title, count) for title, count in counted.most_common()]
