"""Turns as the tutor's pages show them, with what each has cost: a bar and words for each part."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django import forms
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat import streaming
from chat.formatting import (
    find_card,
    format_announcement,
    format_brief_reason,
    format_deferral,
    format_fallback,
)
from chat.memory.costs import (
    ConversationCost,
    CostPart,
    PartCost,
    get_conversation_costs,
    round_to_two_digits,
    split_answer_cost,
)
from chat.models import (
    MAX_COMMENT_LENGTH,
    RETRYABLE_STATES,
    EndReason,
    Report,
    ReportReason,
    Turn,
)
from chat.plans import WORDS_PER_TOKEN
from chat.reports import REPORT_RETENTION
from chat.selectors import can_continue, can_reword
from chat.streaming.rendering import GrowingAnswer
from chat.turns.outages import SERVER_FAILURES, list_outages
from chat.turns.verdicts import (
    NO_READERS,
    CrisisReaders,
    find_check_in,
    find_crisis_readers,
    find_fixed_text,
    find_support,
    get_readers_for_parent,
)
from chat.web.practice import (
    ShownFollowUps,
    ShownQuiz,
    build_follow_ups,
    build_shown_quiz,
    format_checked_quiz,
)
from courses.retrieval.search import FoundPassage, get_passages
from kit.texts import ProseField
from markup.markdown import render_answer, render_question
from routing.formatting import format_dollars
from safeguarding.cards import CrisisCard
from safeguarding.response_texts import CheckIn, FixedText, SupportLines


class ReportForm(forms.Form):
    """A report of a turn. An unknown reason counts as ReportReason.OTHER."""

    reason = forms.CharField(required=False)
    comment = ProseField(max_length=MAX_COMMENT_LENGTH, required=False)
    # Whether staff may read the turn.
    shared = forms.BooleanField(required=False)


LONG_QUESTION_LENGTH, LONG_QUESTION_LINES = 1000, 16
# The bar's length in its own units, and how long a part is drawn at least.
BAR_LENGTH, MIN_PART_LENGTH = 1000, 6


@dataclass(frozen=True, kw_only=True)
class ShownPart:
    """A part of an answer's cost. Its bar begins where that of the part before ended; the cached tokens come first.

    Places and lengths are strings: a template would format numbers for readers.
    """

    label: str
    text: str
    cached_start: str
    cached_length: str
    start: str
    length: str


@dataclass(frozen=True, kw_only=True)
class ShownCost:
    """What an answer cost. `conversation_text` and `full_text` compare the conversation with full memory, or are ""."""

    parts: Sequence[ShownPart]
    has_cached: bool
    cost_text: str
    conversation_text: str
    full_text: str


@dataclass(frozen=True)
class ShownTurn:
    """A turn as the page shows it. `after` is the id of the last stream entry in `answer_so_far`."""

    turn: Turn
    after: str
    answer_so_far: GrowingAnswer
    passages: Sequence[FoundPassage]
    # Retries and continuations of the turn, oldest first.
    later_turns: Sequence[Turn] = ()
    # An invalid report, shown again for correction.
    report_form: ReportForm | None = None
    is_model_down: bool = False
    # What the conversation had cost after this turn.
    conversation_cost: ConversationCost | None = None
    readers: CrisisReaders = NO_READERS

    @property
    def question_html(self) -> SafeString:
        return render_question(self.turn.question)

    @property
    def has_long_question(self) -> bool:
        """Whether the question is so long that only its start is shown at first."""
        question = self.turn.question
        return len(question) > LONG_QUESTION_LENGTH or question.count("\n") >= LONG_QUESTION_LINES

    @property
    def answer_html(self) -> SafeString:
        return render_answer(self.turn.answer)

    @property
    def card(self) -> CrisisCard | None:
        review = self.readers.by_turn.get(self.turn.pk)
        return find_card(self.turn, review, says_who_reads=self.readers.is_said)

    @property
    def fixed_text(self) -> FixedText | None:
        """The fixed text that replaces an answer."""
        return find_fixed_text(self.turn)

    @property
    def check_in(self) -> CheckIn | None:
        """The check-in of a paused turn."""
        return find_check_in(self.turn, self.readers.after_yes)

    @property
    def support(self) -> SupportLines | None:
        return find_support(self.turn)

    @property
    def report(self) -> Report | None:
        """The report of the turn. Needs select_related("report") on a page of many turns."""
        return getattr(self.turn, "report", None)

    @property
    def announcement(self) -> str:
        if self.quiz and self.quiz.is_checked and not self.report:
            return format_checked_quiz(self.quiz)
        return format_announcement(
            self.turn,
            self.report,
            has_worse_retry=bool(self.worse_retry),
            can_retry_deferred=self.can_retry_deferred,
        )

    @property
    def can_report(self) -> bool:
        return self.turn.is_reportable

    @property
    def report_reasons(self) -> list[tuple[str, str]]:
        return [(reason.value, str(reason.label)) for reason in ReportReason]

    @property
    def chosen_reason(self) -> str:
        return str(self.report_form["reason"].value() if self.report_form else ReportReason.OTHER)

    @property
    def max_comment_length(self) -> int:
        return MAX_COMMENT_LENGTH

    @property
    def report_retention_days(self) -> int:
        """How many days a shared report is kept."""
        return REPORT_RETENTION.days

    @property
    def cost_text(self) -> str:
        return format_dollars(self.turn.microdollars)

    @property
    def cost(self) -> ShownCost | None:
        """What the turn cost by part; None if it was not charged."""
        return build_shown_cost(self.turn, self.conversation_cost)

    @property
    def fallback_text(self) -> str:
        return format_fallback(self.turn)

    @property
    def brief_reason(self) -> str:
        """Says which budget shortened the answer, and when it refills."""
        turn = self.turn
        if not turn.refills_at:
            return _("This answer is shorter than usual.")
        return format_brief_reason(turn.brief_scope, turn.refills_at, turn.conversation.owner)

    @property
    def has_reached_limit(self) -> bool:
        return self.turn.end_reason == EndReason.LENGTH_LIMIT

    @property
    def can_retry(self) -> bool:
        is_ended = self.turn.state in RETRYABLE_STATES and self.turn.replaced_by_id is None
        is_ended = is_ended and not self.turn.is_reworded
        return is_ended and not self.is_being_retried and not self.is_continued

    @property
    def can_retry_deferred(self) -> bool:
        """Whether the turn may be retried as a deferred turn."""
        return self.is_model_down and self.can_retry

    @property
    def deferral_text(self) -> str:
        return format_deferral(self.turn)

    @property
    def is_being_retried(self) -> bool:
        return any(turn.retry_of_id == self.turn.pk and turn.is_live for turn in self.later_turns)

    @property
    def worse_retry(self) -> Turn | None:
        """The last retry, if this turn was better; or None."""
        retries = [turn for turn in self.later_turns if turn.retry_of_id == self.turn.pk]
        return retries[-1] if retries and retries[-1].replaced_by_id == self.turn.pk else None

    @property
    def is_continued(self) -> bool:
        return any(
            turn.continues_id == self.turn.pk and turn.replaced_by_id is None for turn in self.later_turns
        )

    @property
    def can_continue(self) -> bool:
        return can_continue(self.turn) and not self.is_continued and not self.is_being_retried

    @property
    def can_reword(self) -> bool:
        """Whether its question may be asked anew. The page offers that for the last turn only."""
        return can_reword(self.turn) and not self.is_being_retried and not self.is_continued

    @property
    def follow_ups(self) -> ShownFollowUps | None:
        """The buttons under the answer; None if there are none."""
        return build_follow_ups(self.turn)

    @property
    def has_margin(self) -> bool:
        """Whether the page says which lessons the answer is based on. A quiz says it itself."""
        return bool(self.turn.answer and self.passages) and not self.turn.quiz

    @property
    def quiz(self) -> ShownQuiz | None:
        return build_shown_quiz(self.turn)

    @property
    def new_id(self) -> UUID:
        """A new id, another one each time, for a retry or a continuation."""
        return uuid4()


def build_shown_turns(
    turns: Iterable[Turn], *, shows_costs: bool = False, is_for_parent: bool = False
) -> list[ShownTurn]:
    """Return the turns as a page shows them. All cited passages are read in one query.

    A live turn counts as read from now on, so that its answer is not stopped as unread; its retries and costs come only
    with its end. With `shows_costs` all are turns of one conversation, and one more query reads what it has cost.
    """
    turns = list(turns)
    for turn in turns:
        if turn.is_live:
            streaming.record_reader(turn.pk)
    passages, later_turns = (
        get_passages(key for turn in turns for key in turn.passages),
        _get_later_turns(turns),
    )
    # Look for an outage only if a turn failed because of the model's server.
    has_failed = any(turn.end_reason in SERVER_FAILURES for turn in turns)
    down = {outage.model_id for outage in list_outages()} if has_failed else set()
    conversation_costs = _get_conversation_costs(turns) if shows_costs else {}
    readers = get_readers_for_parent(turns) if is_for_parent else find_crisis_readers(turns)
    return [
        _build_shown_turn(
            turn,
            [passages[key] for key in turn.passages if key in passages],
            later_turns.get(turn.pk, ()),
            is_model_down=turn.tutor_model_id in down,
            conversation_cost=conversation_costs.get(turn.pk),
            readers=readers,
        )
        for turn in turns
    ]


def _get_later_turns(turns: Sequence[Turn]) -> Mapping[UUID, Sequence[Turn]]:
    """Return the retries and continuations of the turns, oldest first, by turn id."""
    ended = [
        turn.pk
        for turn in turns
        if turn.state in RETRYABLE_STATES or turn.end_reason == EndReason.LENGTH_LIMIT
    ]
    later_turns: defaultdict[UUID, list[Turn]] = defaultdict(list)
    if ended:
        found = Turn.objects.filter(Q(retry_of__in=ended) | Q(continues__in=ended)).order_by("asked_at")
        for turn in found.defer("question", "answer"):
            for earlier in (turn.retry_of_id, turn.continues_id):
                if earlier:
                    later_turns[earlier].append(turn)
    return later_turns


def _get_conversation_costs(turns: Sequence[Turn]) -> Mapping[UUID, ConversationCost]:
    """Return what the conversation of `turns` had cost after each of them, without a query if none was charged."""
    charged = next((turn for turn in turns if turn.tokens and not turn.is_live), None)
    if charged is None:
        return {}
    return get_conversation_costs(Turn.objects.filter(conversation=charged.conversation_id))


def build_shown_turn(turn: Turn) -> ShownTurn:
    """Return a turn as its asker's page shows it, with what the conversation has cost."""
    [shown] = build_shown_turns([turn], shows_costs=True)
    return shown


def _build_shown_turn(
    turn: Turn,
    passages: Sequence[FoundPassage],
    later_turns: Sequence[Turn],
    *,
    is_model_down: bool,
    conversation_cost: ConversationCost | None,
    readers: CrisisReaders,
) -> ShownTurn:
    """Build a shown turn. A live turn has the text on its stream, and the entry id to continue from."""
    answer_so_far = GrowingAnswer()
    if not turn.is_live:
        return ShownTurn(
            turn=turn,
            after="0",
            answer_so_far=answer_so_far,
            passages=passages,
            later_turns=later_turns,
            is_model_down=is_model_down,
            conversation_cost=conversation_cost,
            readers=readers,
        )
    # A stream that cannot be read is shown as empty, and read from its start later. Without JavaScript a page cannot
    # take back a sentence, so only judged sentences are shown.
    streamed = streaming.read_judged_stream(turn.pk) or streaming.StreamedAnswer()
    answer_so_far.grow(streamed.text)
    return ShownTurn(turn=turn, after=streamed.last_id, answer_so_far=answer_so_far, passages=passages)


# --- What an answer cost ---


def build_shown_cost(turn: Turn, conversation_cost: ConversationCost | None) -> ShownCost | None:
    """Return what a turn cost by part, and its conversation so far; None if it was not charged."""
    costs = split_answer_cost(turn)
    if not costs:
        return None
    compared = conversation_cost if conversation_cost and conversation_cost.answers > 1 else None
    return ShownCost(
        parts=_build_parts(costs, has_lessons=bool(turn.passages)),
        has_cached=any(cost.cached_tokens for cost in costs),
        cost_text=format_dollars(turn.microdollars) if turn.microdollars else "",
        conversation_text=format_conversation(compared) if compared else "",
        full_text=format_full_memory(compared) if compared else "",
    )


def _build_parts(costs: Sequence[PartCost], *, has_lessons: bool) -> list[ShownPart]:
    total = sum(cost.tokens for cost in costs)
    labels = _get_labels(has_lessons=has_lessons)
    shown, before = [], 0
    for cost in costs:
        if not cost.tokens:
            continue
        fresh = cost.tokens - cost.cached_tokens
        shown.append(
            ShownPart(
                label=labels[cost.part],
                text=_format_words(cost),
                cached_start=_scale(before, total),
                cached_length=_scale(cost.cached_tokens, total, is_length=True),
                start=_scale(before + cost.cached_tokens, total),
                length=_scale(fresh, total, is_length=True),
            )
        )
        before += cost.tokens
    return shown


def _get_labels(*, has_lessons: bool) -> dict[CostPart, str]:
    return {
        CostPart.INSTRUCTIONS: _("Instructions"),
        CostPart.REMEMBERED: _("Remembered"),
        CostPart.QUESTION: _("Your question"),
        # Without a lesson, this part of a prompt only says that there is none.
        CostPart.AFTER_QUESTION: _("Lessons") if has_lessons else _("Instructions for this question"),
        CostPart.ANSWER: _("The answer"),
    }


def _scale(tokens: int, total: int, *, is_length: bool = False) -> str:
    """Return a place or a length on the bar. A short part stays visible."""
    if not is_length:
        return str(min(tokens * BAR_LENGTH // total, BAR_LENGTH - MIN_PART_LENGTH))
    return str(max(tokens * BAR_LENGTH // total, MIN_PART_LENGTH)) if tokens else "0"


def count_words(tokens: int) -> int:
    """Return about how many words some tokens are, with two digits that count; at least 1."""
    return round_to_two_digits(max(1, round(tokens * WORDS_PER_TOKEN)))


def _format_words(cost: PartCost) -> str:
    words, cached = count_words(cost.tokens), count_words(cost.cached_tokens)
    values = {"words": _format_number(words), "cached": _format_number(cached)}
    if not cost.cached_tokens:
        return ngettext("about %(words)s word", "about %(words)s words", words) % values
    if cached == words:
        return (
            ngettext(
                "about %(words)s word, read again from the cache",
                "about %(words)s words, all read again from the cache",
                words,
            )
            % values
        )
    return (
        ngettext(
            "about %(words)s words, %(cached)s of them read again from the cache",
            "about %(words)s words, %(cached)s of them read again from the cache",
            cached,
        )
        % values
    )


def format_conversation(cost: ConversationCost) -> str:
    """Say what a conversation has cost so far."""
    values = {
        "answers": _format_number(cost.answers),
        "words": _format_number(count_words(cost.tokens)),
        "price": format_dollars(cost.microdollars),
    }
    if cost.microdollars:
        return _("This conversation so far: %(answers)s answers, about %(words)s words, %(price)s.") % values
    return _("This conversation so far: %(answers)s answers, about %(words)s words.") % values


def format_full_memory(cost: ConversationCost) -> str:
    """Say what the same answers would have cost if the tutor remembered everything."""
    words = count_words(cost.full_tokens)
    values = {
        "words": _format_number(words),
        "price": format_dollars(round_to_two_digits(cost.full_microdollars)),
    }
    if words <= count_words(cost.tokens):
        return _("With full memory it would have been about the same.")
    if cost.full_microdollars:
        return _("With full memory it would have been about %(words)s words, %(price)s.") % values
    return _("With full memory it would have been about %(words)s words.") % values


def _format_number(number: int) -> str:
    return str(number_format(number, force_grouping=True))
