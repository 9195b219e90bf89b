"""The parent view: what a parent sees of a teen's conversations, by their agreement, and its page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from budgets.selectors import get_meter, get_plan
from chat.formatting import format_meter
from chat.memory.policies import MemoryRules
from chat.models import CHECK_IN_LAYER, Note, Turn, TurnState
from chat.selectors import build_unsealed_filter, drop_duplicate_questions, wants_spanning_notes
from chat.web.turns import build_shown_turns
from chat.web.views import HtmxRequest
from courses.selectors import list_module_titles
from families.gate import get_tutor_gate
from families.models import Link
from families.parent_view import VisibleContent, get_visible_content
from families.parent_view_log import log_parent_view
from families.selectors import get_link_as_parent
from families.terms import ParentView
from guard import Category, Level
from kit.memory_policy import MemoryPolicy
from kit.not_found import raise_404_on
from kit.visits import is_prefetch, is_visit

DAYS_SHOWN = 14
# A longer gap between two questions counts as time away from the tutor.
MAX_THINKING_GAP = timedelta(minutes=10)
EXCERPT_LENGTH = 160
TURNS_PER_PAGE = 50
NOTES_SHOWN = 50
# Signs of an unsafe home, and who a teen is or loves, are never shown to a parent (docs/safety.md).
ALWAYS_HIDDEN = Q(level=Level.UNSAFE_HOME) | Q(
    categories__overlap=[Category.UNSAFE_HOME, Category.EXPLOITATION, Category.IDENTITY]
)


@dataclass(frozen=True)
class DayUse:
    """How many questions were asked on a day, and about how many minutes it took."""

    date: date
    questions: int
    minutes: int


@dataclass(frozen=True)
class TopicCount:
    """A module's title and its number of questions; the title is "" for questions that no lesson covers."""

    title: str
    questions: int


@dataclass(frozen=True)
class ParentOverview:
    """What the page shows. `excerpts` and `turns` are empty unless the agreement includes them."""

    days: Sequence[DayUse]
    topics: Sequence[TopicCount]
    meter_text: str
    excerpts: Sequence[str] = ()
    turns: Sequence[Turn] = ()
    # The most that the tutor remembers of a conversation, and whether notes last between conversations.
    memory: MemoryPolicy = MemoryPolicy.NONE
    has_spanning_notes: bool = False
    # What it remembers, newest first; only in the full view.
    notes: Sequence[Note] = ()
    # The id of the turn after which the next page begins; "" on the last page.
    older: str = ""


def build_overview(link: Link, visible: VisibleContent, before: Turn | None = None) -> ParentOverview:
    """Return a teen's last two weeks, as far as `visible` allows.

    Questions and answers are included only if it says so, in pages, newest first: those before the turn `before`, or
    the newest.
    """
    teen = link.teen
    turns = list(_list_counted_turns(teen, visible).only("asked_at", "ended_at", "passages"))
    readable = _list_readable_turns(teen, visible)
    if before:
        readable = readable.filter(asked_at__lte=before.asked_at).filter(
            Q(asked_at__lt=before.asked_at) | Q(pk__lt=before.pk)
        )
    readable = readable.select_related("conversation__owner").order_by("-asked_at", "-pk")
    page = list(readable[: TURNS_PER_PAGE + 1])
    rules = MemoryRules(
        plan=get_plan(teen),
        terms=get_tutor_gate(teen).terms,
        wants_spanning_notes=wants_spanning_notes(teen),
    )
    shown = page[:TURNS_PER_PAGE]
    return ParentOverview(
        days=_count_days(turns, teen),
        topics=_count_topics(turns),
        meter_text=format_meter(get_meter(owner=teen), teen),
        excerpts=[turn.question[:EXCERPT_LENGTH] for turn in shown]
        if visible.parent_view == ParentView.FLAGGED
        else (),
        turns=shown if visible.parent_view == ParentView.FULL else (),
        memory=rules.policy,
        has_spanning_notes=rules.has_spanning_notes,
        notes=_list_readable_notes(teen, visible)
        if visible.parent_view == ParentView.FULL and not before
        else (),
        older=str(shown[-1].pk) if len(page) > TURNS_PER_PAGE else "",
    )


def get_visible_turn(link: Link, turn_id: str) -> Turn:
    """Return a turn whose text the parent of `link` may read now. Raises Turn.DoesNotExist for any other."""
    try:
        return (
            _list_readable_turns(link.teen, get_visible_content(link)).only("asked_at").get(pk=UUID(turn_id))
        )
    except ValueError as error:
        raise Turn.DoesNotExist from error


def _list_counted_turns(teen: Person, visible: VisibleContent) -> QuerySet[Turn]:
    since = max(timezone.now() - timedelta(days=DAYS_SHOWN), visible.topics_since)
    # What follows a coming-out speaks of it too ("How do I tell her?").
    came_out = Turn.objects.filter(
        conversation=OuterRef("conversation"),
        asked_at__lte=OuterRef("asked_at"),
        categories__contains=[Category.IDENTITY],
    )
    turns = Turn.objects.filter(~Exists(came_out), conversation__owner=teen, asked_at__gte=since)
    return drop_duplicate_questions(turns).exclude(ALWAYS_HIDDEN)


def _list_readable_turns(teen: Person, visible: VisibleContent) -> QuerySet[Turn]:
    """Return the turns whose text may be read.

    Conversations that a password help sealed are left out: the helper could agree to a wider view as the teen.
    """
    open_turns = _list_counted_turns(teen, visible).filter(
        build_unsealed_filter(teen, "conversation__started_at")
    )
    # A card by the teen's own answer to a check-in stays private, as the check-in promises.
    flagged = (
        Q(state=TurnState.CARDED) & ~Q(layer=CHECK_IN_LAYER) & _build_since_filter(visible.flagged_since)
    )
    match visible.parent_view:
        case ParentView.FULL if visible.full_since is None:
            return open_turns
        case ParentView.FULL:
            return open_turns.filter(_build_since_filter(visible.full_since) | flagged)
        case ParentView.FLAGGED:
            return open_turns.filter(flagged)
        case _:
            return open_turns.none()


def _list_readable_notes(teen: Person, visible: VisibleContent) -> list[Note]:
    """Return the newest notes of the turns whose text may be read."""
    notes = Note.objects.filter(turn__in=_list_readable_turns(teen, visible).values("pk"))
    return list(notes.order_by("-created_at", "pk")[:NOTES_SHOWN])


def _build_since_filter(moment: datetime | None) -> Q:
    return Q(asked_at__gte=moment) if moment else Q()


def _count_days(turns: Iterable[Turn], teen: Person) -> list[DayUse]:
    by_day: dict[date, list[Turn]] = {}
    for turn in sorted(turns, key=lambda turn: turn.asked_at):
        by_day.setdefault(turn.asked_at.astimezone(teen.zone).date(), []).append(turn)
    return [
        DayUse(day, len(day_turns), _count_minutes(day_turns))
        for day, day_turns in sorted(by_day.items(), reverse=True)
    ]


def _count_minutes(day_turns: Sequence[Turn]) -> int:
    """Return the minutes from the first question to the last, without long gaps; at least 1."""
    spent = timedelta(minutes=1)
    for turn, following in pairwise(day_turns):
        spent += min(following.asked_at - turn.asked_at, MAX_THINKING_GAP)
    return max(1, round(spent.total_seconds() / 60))


def _count_topics(turns: Iterable[Turn]) -> list[TopicCount]:
    titles = dict(list_module_titles())
    counted = Counter(
        titles.get(turn.passages[0].split("/")[0], "") if turn.passages else "" for turn in turns
    )
    return [TopicCount(title, count) for title, count in counted.most_common()]


@sign_in_required
@require_safe
@never_cache
def parent_view(request: HtmxRequest, link_id: UUID) -> HttpResponse:
    """Show a parent what was agreed. The view is logged before anything is shown.

    A request that is not a visit, such as HEAD or a prefetch, is shown nothing and is not logged.
    """
    with raise_404_on(Link.DoesNotExist):
        link = get_link_as_parent(get_person(request), link_id)
    if not is_visit(request):
        # A browser discards a prefetched page with this status.
        return HttpResponse(status=403 if is_prefetch(request) else 200)
    before = None
    if "before" in request.GET:
        try:
            before = get_visible_turn(link, request.GET["before"])
        except Turn.DoesNotExist:
            # The turn is deleted, too old by now, or no longer in the agreed view.
            return redirect("chat:parent_view", link.pk)
    with raise_404_on(Link.DoesNotExist):
        visible = log_parent_view(link=link)
    overview = build_overview(link, visible, before)
    page = {
        "link": link,
        "visible": visible,
        "text_since": visible.text_since,
        "overview": overview,
        "is_first": before is None,
        "turns": build_shown_turns(overview.turns, is_for_parent=True),
        "person": get_person(request),
    }
    return render(request, "chat/parent_view.html", page)
