"""Conversations, their turns, and what the tutor remembers of them."""

import math
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models import MEMORY_TOKENS
from chat.memory.notes import MAX_NOTE_LENGTH, NoteKind
from chat.method.ladder import HelpStep, LadderState
from chat.method.reading import FollowUp
from inference.prices import Prices
from kit.languages import get_page_language
from kit.memory_policy import MemoryPolicy
from routing.models import TutorModel
from routing.ranking import SkipReason

MAX_QUESTION_LENGTH = 8000
MAX_TITLE_LENGTH = 80
MAX_COMMENT_LENGTH = 500
# The name of a guard category or layer.
MAX_NAME_LENGTH = 40
MAX_SITE_TEXT_LENGTH = 40
# The layer of a crisis card that follows from the answer to a check-in.
CHECK_IN_LAYER = "asked"
# Reasons that the asker should hear of: the usual model did not answer.
FALLBACK_REASONS = {SkipReason.DOWN, SkipReason.FAILED, SkipReason.BUSY}


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(_("title"), max_length=MAX_TITLE_LENGTH)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    asked_at = models.DateTimeField(_("last question"), default=timezone.now)
    # Whether its owner lets the tutor remember it, and since when: no prompt carries a turn from before.
    has_memory = models.BooleanField(default=True)
    remembered_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        indexes = [models.Index(fields=["owner", "-asked_at"], name="conversation_list")]

    def __str__(self) -> str:
        return self.title


class TurnState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    WORKING = "working", _("being written")
    DEFERRED = "deferred", _("waiting for the model")
    ANSWERED = "answered", _("answered")
    STOPPED = "stopped", _("stopped")
    FAILED = "failed", _("failed")
    CARDED = "carded", _("help card")
    CUT = "cut", _("cut by the guard")
    PAUSED = "paused", _("paused with a check-in")
    REFUSED = "refused", _("refused")
    REDIRECTED = "redirected", _("redirected")


LIVE_STATES = (TurnState.QUEUED, TurnState.WORKING, TurnState.DEFERRED)
# These turns have no whole answer and may be retried.
RETRYABLE_STATES = (TurnState.FAILED, TurnState.STOPPED)


class EndReason(models.TextChoices):
    """Why a turn ended without a whole answer."""

    NONE = "", ""
    LENGTH_LIMIT = "length_limit", _("the answer reached its length limit")
    STOPPED_BY_ASKER = "stopped_by_asker", _("stopped by its asker")
    UNREAD = "unread", _("no page was open to read it")
    CONSENT_WITHDRAWN = "consent_withdrawn", _("consent to the tutor was withdrawn")
    MODEL_UNREACHABLE = "model_unreachable", _("the model could not be reached")
    MODEL_BUSY = "model_busy", _("the model’s server was busy")
    MODEL_ERROR = "model_error", _("the model’s server returned an error")
    MODEL_QUOTA = "model_quota", _("the quota at the model’s provider is used up")
    TOO_LONG = "too_long", _("the question and its conversation were too long for the model")
    MODEL_REFUSED = "model_refused", _("the model refused the question")
    FILTERED = "filtered", _("the model’s provider blocked the answer")
    MODEL_EMPTY = "model_empty", _("the model ended without an answer")
    ONLY_THINKING = "only_thinking", _("thinking used up the whole length of the answer")
    MODEL_SILENT = "model_silent", _("the model stopped responding")
    MODEL_GARBLED = "model_garbled", _("the model’s server sent something unreadable")
    WORKER_LOST = "worker_lost", _("the worker that wrote it was lost")
    NEVER_STARTED = "never_started", _("no worker was free to answer")
    WAITED_TOO_LONG = "waited_too_long", _("it waited a day without an answer")
    NO_LOCAL_MODEL = (
        "no_local_model",
        _("the question had to stay on this site’s computers, and none could answer"),
    )
    NO_CONSENT = "no_consent", _("consent ended while it waited")
    WITHDRAWN = "withdrawn", _("withdrawn by its asker")
    INTERNAL_ERROR = "internal_error", _("something went wrong on our side")
    NO_REMOTE_GUARD = (
        "no_remote_guard",
        _("the answer was kept short because the remote guard was unavailable"),
    )
    # Reasons of the output gate: the values equal those of guard.Category.
    METHOD = "method", _("the answer described ways to cause harm")
    ENCOURAGEMENT = "encouragement", _("the answer encouraged harm")
    SEXUAL = "sexual", _("the answer was sexual")
    ISOLATION = "isolation", _("the answer pushed someone away from other people")
    SECRETS = "secrets", _("the answer asked for a secret")
    ROMANCE = "romance", _("the answer was romantic")
    CLAIMS_HUMAN = "claims_human", _("the answer claimed to be a person")
    HATE = "hate", _("the answer was hateful")
    FLATTERY = "flattery", _("the answer was flattering")
    OTHER = "other", _("the answer was unsafe in another way")


# A deferred turn ends without an answer after this time.
MAX_DEFERRAL = timedelta(hours=24)
# When a turn entered the queue, as a database expression. `Turn.queued_at` is the same in Python.
QUEUED_AT = Coalesce("released_at", "asked_at")


class WaitsFor(models.TextChoices):
    """What a deferred turn waits for."""

    NOTHING = "", ""
    MODEL = "model", _("the model")
    FAMILY = "family", _("quiet hours or a parent’s pause to end")
    PAUSE = "pause", _("its asker to go on after a crisis card")
    BUDGET = "budget", _("the budget to refill")
    SITE = "site", _("the site to open the tutor")


class Deferral(models.Model):
    """The fields of a turn that waits until the model is back."""

    # When the turn was deferred, when it was last put into the queue, and when it may be tried next.
    deferred_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    try_after = models.DateTimeField(null=True, blank=True)
    waits_for = models.CharField(max_length=10, choices=WaitsFor, default=WaitsFor.NOTHING, blank=True)
    # How many times the turn left the queue without a word of an answer.
    failed_tries = models.PositiveSmallIntegerField(default=0)
    # When the remote guard judged the question of a deferred turn.
    guard_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def deferred_until(self) -> datetime | None:
        """When a deferred turn ends without an answer at the latest; None for a turn that was never deferred."""
        return self.deferred_at + MAX_DEFERRAL if self.deferred_at else None


class MethodFields(models.Model):
    """The fields of a turn that say how it helps with homework (ADR 68): the state of the conversation after it."""

    # What the question is by its own words (a QuestionKind); "" for a turn that the guard ended.
    kind = models.CharField(max_length=10, blank=True)
    step = models.CharField(max_length=12, blank=True)
    # How many hints were given for the task, and whether its learner has shown an attempt.
    hints = models.PositiveSmallIntegerField(default=0)
    has_attempt = models.BooleanField(default=False)
    follow_up = models.CharField(max_length=12, blank=True)
    # The turn whose answer a follow-up is about, and the turn that asked the task which is open.
    about = models.ForeignKey("chat.Turn", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    task = models.ForeignKey("chat.Turn", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # Whether its page asks for grade and goal, once in a conversation.
    asks_level = models.BooleanField(default=False)
    # The fixed text of this site that answered in place of a model, with its version (chat.asking.about_tutor).
    site_text = models.CharField(max_length=MAX_SITE_TEXT_LENGTH, blank=True)
    # The practice quiz that it ended with (chat.method.quizzes), and the number of the option chosen for each question.
    quiz = models.JSONField(null=True, blank=True)
    quiz_choices = models.JSONField(default=list, blank=True)

    class Meta:
        abstract = True

    @property
    def ladder(self) -> LadderState:
        """The state of the conversation after this turn."""
        step = HelpStep(self.step)
        is_open = self.task_id is not None or step is not HelpStep.NONE
        return LadderState(is_open=is_open, step=step, hints=self.hints, has_attempt=self.has_attempt)

    @property
    def asks_for_quiz(self) -> bool:
        return self.follow_up == FollowUp.QUIZ

    @property
    def is_lesson_quiz(self) -> bool:
        """Whether it asks for a quiz on a lesson, and not on an answer."""
        return self.asks_for_quiz and self.about_id is None


class Turn(Deferral, MethodFields):
    """One question and what became of it.

    The asker's browser or program chooses the id, so posting a question twice asks it once. This row is the source of
    truth: the Celery message is only a nudge, and the stream in Valkey only a copy for readers. While a worker writes,
    `claim` names its claim, `lease_until` says how long that holds without a renewal, and `answer` and `answer_tokens`
    are its last checkpoint.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    retry_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="retries"
    )
    # The turn that is shown instead of this one: a better retry or, for a retry that was not better, the retried turn.
    # Set in the transaction that ends the retry (chat.turns.outcomes).
    replaced_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced"
    )
    # The turn whose unfinished answer this turn continues (chat.selectors).
    continues = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="continuations"
    )
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    question = models.TextField(max_length=MAX_QUESTION_LENGTH)
    # Whether the next turn asks it in other words (ADR 71).
    is_reworded = models.BooleanField(default=False)
    # The language of the page or request. A worker has no request to read it from.
    language = models.CharField(max_length=10, default=get_page_language, editable=False)
    answer = models.TextField(blank=True)
    # When the asker began to ask without a break, and whether this turn shows a break reminder.
    asking_since = models.DateTimeField(default=timezone.now, editable=False)
    shows_break_reminder = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=TurnState, default=TurnState.QUEUED)
    end_reason = models.CharField(max_length=20, choices=EndReason, default=EndReason.NONE, blank=True)

    # The guard's verdict on the question, and the layer that gave it.
    level = models.CharField(max_length=1, default="0")
    layer = models.CharField(max_length=MAX_NAME_LENGTH, blank=True)
    categories = ArrayField(models.CharField(max_length=MAX_NAME_LENGTH), default=list, blank=True)
    # Keys of the passages that the answer cites; empty when no lesson covers the question.
    passages = ArrayField(models.CharField(max_length=250), default=list, blank=True)
    # When the person chose to go on after a crisis card, or answered a check-in.
    resumed_at = models.DateTimeField(null=True, blank=True)

    max_answer_tokens = models.PositiveIntegerField(default=0)
    is_brief = models.BooleanField(default=False)
    # The budget scope that made the answer brief, or PACE_SCOPE, and when that budget refills or the pace is past.
    brief_scope = models.CharField(max_length=6, blank=True)
    refills_at = models.DateTimeField(null=True, blank=True)
    # What the prompt carries of earlier turns: the smallest memory of plan, agreement and asker, and the plan's limit.
    memory_policy = models.CharField(max_length=10, choices=MemoryPolicy, default=MemoryPolicy.NOTES)
    memory_tokens = models.PositiveIntegerField(default=MEMORY_TOKENS)
    # Whether it also carries notes of the asker's other conversations.
    has_spanning_notes = models.BooleanField(default=False)
    # How many tokens later prompts need to carry this turn; None if the model's server did not count them.
    carried_tokens = models.PositiveIntegerField(null=True, blank=True)
    # The prompt's tokens by part (chat.prompt.PromptPart). They add up to `prompt_tokens`.
    prompt_parts = models.JSONField(default=dict, blank=True)
    # How many of the prompt's tokens the model's server still had in its cache.
    cached_tokens = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveIntegerField(default=0)
    answer_tokens = models.PositiveIntegerField(default=0)
    microdollars = models.PositiveBigIntegerField(default=0)

    # The model that answers, its name and prices at that time, and whether it is on this machine or network.
    tutor_model = models.ForeignKey(
        TutorModel, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    model = models.CharField(max_length=200, blank=True)
    is_local = models.BooleanField(default=True)
    input_price = models.PositiveBigIntegerField(default=0)
    cached_input_price = models.PositiveBigIntegerField(default=0)
    output_price = models.PositiveBigIntegerField(default=0)
    # The models that were passed over before it, as {"id": …, "name": …, "reason": a SkipReason}.
    route = models.JSONField(default=list, blank=True)
    # Whether the question must stay on this machine or network: its family agreed so, or the page said so.
    local_only = models.BooleanField(default=False)
    # Whether the family agreed that it does, so that no remote guard outside may read it either.
    skips_remote_guard = models.BooleanField(default=False)
    # How many holds were made before the current one.
    hold_number = models.PositiveSmallIntegerField(default=0)

    claim = models.UUIDField(null=True, blank=True)
    # When a worker last claimed the turn.
    claimed_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claim_count = models.PositiveSmallIntegerField(default=0)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # When the model's server takes questions again, if it was busy and said when.
    retry_at = models.DateTimeField(null=True, blank=True)

    # Not columns: whether its conversation may have other turns, and notes. A claim finds out.
    has_other_turns = True
    has_notes = True

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        ordering = ["asked_at"]
        indexes = [
            models.Index(fields=["conversation", "asked_at"], name="turn_in_order"),
            models.Index(fields=["asked_at"], name="turn_waiting", condition=Q(state="queued")),
            models.Index(fields=["ended_at"], name="turn_ended"),
            models.Index(fields=["deferred_at"], name="turn_deferred", condition=Q(state="deferred")),
            models.Index(
                fields=["lease_until"], name="turn_live", condition=Q(state__in=["queued", "working"])
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=TurnState.values), name="turn_state_known"),
            models.CheckConstraint(
                condition=Q(state="working", claim__isnull=False, lease_until__isnull=False)
                | (~Q(state="working") & Q(claim__isnull=True)),
                name="turn_claimed_while_working",
            ),
            models.CheckConstraint(
                condition=Q(state__in=LIVE_STATES, ended_at__isnull=True)
                | (~Q(state__in=LIVE_STATES) & Q(ended_at__isnull=False)),
                name="turn_ended_or_live",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(state__in=LIVE_STATES),
                name="turn_one_live_in_a_conversation",
            ),
            # Replaced retries do not count, so a turn may be retried many times.
            models.UniqueConstraint(
                fields=["retry_of"], condition=Q(replaced_by__isnull=True), name="turn_one_current_retry"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M} {self.state}"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def is_reportable(self) -> bool:
        """Whether it has an answer or a fixed text that may be wrong."""
        return not self.is_live and (bool(self.answer) or self.state not in RETRYABLE_STATES)

    @property
    def hold_key(self) -> uuid.UUID:
        """The key of the turn's current hold. A hold resolves only once, so each further one has a key of its own."""
        turn_id: uuid.UUID = self.pk
        return uuid.uuid5(turn_id, f"hold {self.hold_number}") if self.hold_number else turn_id

    @property
    def prices(self) -> Prices:
        return Prices(input=self.input_price, cached_input=self.cached_input_price, output=self.output_price)

    @property
    def has_fallen_back(self) -> bool:
        """Whether another model was to answer, but did not."""
        return any(skipped["reason"] in FALLBACK_REASONS for skipped in self.route)

    @property
    def queued_at(self) -> datetime:
        """When the turn joined the queue: when it was released if it had been deferred, or else when it was asked."""
        return self.released_at or self.asked_at

    @property
    def seconds_until_retry(self) -> int:
        """Whole seconds until the model's server accepts a retry, rounded up; 0 if it accepts one now."""
        at = self.retry_at
        return max(0, math.ceil((at - timezone.now()).total_seconds())) if at else 0

    @property
    def tokens(self) -> int:
        """Tokens of the prompt and of the answer."""
        return self.prompt_tokens + self.answer_tokens


class TurnRoute(Turn):
    """A turn as admins see it: which model answered and why, without any text or person."""

    class Meta:
        proxy = True
        verbose_name = _("route")
        verbose_name_plural = _("routes")


class Note(models.Model):
    """A sentence of a question that the tutor remembers once its turn is too old to be carried.

    It is chosen when the turn is answered, without a model (chat.memory.notes), and its asker may edit or delete it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(_("kind"), max_length=5, choices=NoteKind)
    text = models.CharField(_("note"), max_length=MAX_NOTE_LENGTH)
    # By the model's own tokenizer, or an upper bound.
    tokens = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True)

    # Not a column: whether it is carried into another conversation of its asker.
    is_from_other_conversation = False

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["created_at", "pk"]
        indexes = [models.Index(fields=["conversation", "created_at"], name="note_in_order")]
        constraints = [models.CheckConstraint(condition=Q(kind__in=NoteKind.values), name="note_kind_known")]

    def __str__(self) -> str:
        return self.text


class MemoryChoice(models.Model):
    """A person's own choice that notes last from one conversation to the next. Without a row they do not."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="memory_choice"
    )
    chosen_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("memory across conversations")
        verbose_name_plural = _("memory across conversations")

    def __str__(self) -> str:
        return f"{self.chosen_at:%Y-%m-%d}"
