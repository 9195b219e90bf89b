"""What the tutor's pages show of a turn."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django import forms
from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat import streaming
from chat.models import (
    LONGEST_WORDS,
    RETRIED_STATES,
    Ending,
    Reason,
    Report,
    Turn,
)
from chat.replies import announcement_of, brief_said, card_of, deferred_words
from chat.reports import REPORTS_KEPT_FOR, may_be_reported
from chat.streaming.growth import GrowingPage
from chat.streaming.markdown import answer_html, question_html
from chat.turns.outages import SERVER_FAULTS, model_outage
from chat.turns.retries import can_continue
from chat.turns.verdicts import question_of, said_of, support_of
from courses.retrieval.search import Found, passages_of
from kit.texts import ProseField
from safeguarding.acts import Question, Said, Support
from safeguarding.cards import Card


class ReportForm(forms.Form):
    """What a person says against a turn. A reason that is none of chat.models.Reason is taken for "something else"."""

    reason = forms.CharField(required=False)
    words = ProseField(max_length=LONGEST_WORDS, required=False)
    shared = forms.BooleanField(required=False)


LONG_QUESTION, LONG_QUESTION_LINES = 1000, 16


@dataclass(frozen=True)
class TurnShown:
    """A turn as the page needs it. `after` is the stream id up to which `page` has the words."""

    turn: Turn
    after: str
    page: GrowingPage
    passages: Sequence[Found]
    # Its retries and the turns that go on with it, oldest first.
    followed_by: Sequence[Turn] = ()
    # What was said against it and could not be taken, to be put right.
    report_form: ReportForm | None = None
    is_model_down: bool = False

    @property
    def question_html(self) -> SafeString:
        return question_html(self.turn.question)

    @property
    def has_long_question(self) -> bool:
        """Whether it fills so much of a page that its beginning is enough until its reader wants the rest."""
        question = self.turn.question
        return len(question) > LONG_QUESTION or question.count("\n") >= LONG_QUESTION_LINES

    @property
    def answer_html(self) -> SafeString:
        return answer_html(self.turn.answer)

    @property
    def card(self) -> Card | None:
        return card_of(self.turn)

    @property
    def said(self) -> Said | None:
        """The fixed words that stand instead of an answer."""
        return said_of(self.turn)

    @property
    def asks(self) -> Question | None:
        """What a pause asks."""
        return question_of(self.turn)

    @property
    def support(self) -> Support | None:
        return support_of(self.turn)

    @property
    def report(self) -> Report | None:
        """What was said against it. A page of many turns reads all of them at once."""
        return getattr(self.turn, "report", None)

    @property
    def announcement(self) -> str:
        return announcement_of(self.turn, self.report, was_kept=bool(self.last_try), may_wait=self.may_wait)

    @property
    def may_be_reported(self) -> bool:
        return may_be_reported(self.turn)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(reason.value, str(reason.label)) for reason in Reason]

    @property
    def reason_chosen(self) -> str:
        return str(self.report_form["reason"].value() if self.report_form else Reason.OTHER)

    @property
    def longest_words(self) -> int:
        return LONGEST_WORDS

    @property
    def reports_days(self) -> int:
        return REPORTS_KEPT_FOR.days

    @property
    def dollars(self) -> float:
        return self.turn.microdollars / 1_000_000

    @property
    def brief_because(self) -> str:
        """Whose budget made a brief answer brief, and when it refills."""
        turn = self.turn
        if not turn.refills_at:
            return _("A shorter answer than usual.")
        return brief_said(turn.brief_floor, turn.refills_at, turn.conversation.owner)

    @property
    def reached_limit(self) -> bool:
        return self.turn.ending == Ending.LIMIT

    @property
    def may_retry(self) -> bool:
        is_ended = self.turn.state in RETRIED_STATES and self.turn.replaced_by_id is None
        return is_ended and not self.is_retried_now and not self.is_continued

    @property
    def may_wait(self) -> bool:
        """Whether it may be asked again in such a way that it waits until the model is back."""
        return self.is_model_down and self.may_retry

    @property
    def deferred_words(self) -> str:
        return deferred_words(self.turn)

    @property
    def is_retried_now(self) -> bool:
        return any(turn.retry_of_id == self.turn.pk and turn.is_live for turn in self.followed_by)

    @property
    def last_try(self) -> Turn | None:
        """The last retry that was not better, where that is still the last word."""
        tries = [turn for turn in self.followed_by if turn.retry_of_id == self.turn.pk]
        return tries[-1] if tries and tries[-1].replaced_by_id == self.turn.pk else None

    @property
    def is_continued(self) -> bool:
        return any(
            turn.continues_id == self.turn.pk and turn.replaced_by_id is None for turn in self.followed_by
        )

    @property
    def may_continue(self) -> bool:
        return can_continue(self.turn) and not self.is_continued and not self.is_retried_now

    @property
    def new_id(self) -> UUID:
        """The id of the turn that Retry or Go on asks for."""
        return uuid4()


def turns_shown_on_page(turns: Iterable[Turn]) -> list[TurnShown]:
    """Every turn as the page needs it; the lessons that all of them cite are read at once."""
    turns = list(turns)
    found, followed = passages_of(key for turn in turns for key in turn.passages), _followed(turns)
    # Asked only where a page shows what the model's server is to blame for.
    is_down = any(turn.ending in SERVER_FAULTS for turn in turns) and model_outage() is not None
    return [
        _turn_shown(
            turn,
            [found[key] for key in turn.passages if key in found],
            followed.get(turn.pk, ()),
            is_model_down=is_down,
        )
        for turn in turns
    ]


def _followed(turns: Sequence[Turn]) -> Mapping[UUID, Sequence[Turn]]:
    """The retries and continuations of those turns that may have any, oldest first, by the turn's id."""
    ended = [turn.pk for turn in turns if turn.state in RETRIED_STATES or turn.ending == Ending.LIMIT]
    followed: defaultdict[UUID, list[Turn]] = defaultdict(list)
    if ended:
        following = Turn.objects.filter(Q(retry_of__in=ended) | Q(continues__in=ended)).order_by("asked_at")
        for turn in following.defer("question", "answer"):
            for earlier in (turn.retry_of_id, turn.continues_id):
                if earlier:
                    followed[earlier].append(turn)
    return followed


def turn_shown(turn: Turn) -> TurnShown:
    [shown] = turns_shown_on_page([turn])
    return shown


def _turn_shown(
    turn: Turn, passages: Sequence[Found], followed_by: Sequence[Turn], *, is_model_down: bool
) -> TurnShown:
    """A live turn is shown with the words that stand on its stream now, and the id to go on from."""
    page = GrowingPage()
    if not turn.is_live:
        return TurnShown(
            turn=turn,
            after="0",
            page=page,
            passages=passages,
            followed_by=followed_by,
            is_model_down=is_model_down,
        )
    streaming.note_reader(turn.pk)
    # A stream that cannot be read is shown as empty, and read from its beginning once it can be.
    seen = streaming.written(turn.pk) or streaming.Written()
    page.grow(seen.text)
    return TurnShown(turn=turn, after=seen.last_id, page=page, passages=passages)
