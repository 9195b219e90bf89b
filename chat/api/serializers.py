"""Serializers for conversations, turns, cards, reports and the requests about them."""

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from budgets.models import PeriodLength
from chat.api.practice_serializers import FOLLOW_UPS, PracticeQuizSerializer, serialize_quiz
from chat.formatting import find_card
from chat.memory.notes import MAX_NOTE_LENGTH, NoteKind
from chat.memory.overview import MemoryOverview
from chat.memory.policies import MemoryLimit
from chat.method.ladder import HelpStep
from chat.method.reading import FollowUp
from chat.models import (
    MAX_COMMENT_LENGTH,
    MAX_QUESTION_LENGTH,
    Conversation,
    EndReason,
    Note,
    Report,
    ReportReason,
    Turn,
    TurnState,
    WaitsFor,
)
from chat.plans import PlanSummary
from chat.selectors import list_follow_ups
from chat.turns.verdicts import (
    CrisisReaders,
    PersonalDataChoice,
    find_check_in,
    find_crisis_readers,
    find_fixed_text,
    find_support,
)
from courses.retrieval.search import FoundPassage, get_passages
from kit.memory_policy import MemoryPolicy
from rest.fields import ProseField
from routing.models import TutorModel
from safeguarding.api import CrisisCardSerializer
from safeguarding.response_texts import CheckIn, FixedText, SupportLines


@extend_schema_field({"type": "string", "maxLength": MAX_QUESTION_LENGTH})
class QuestionField(ProseField):
    """A question of any length: a long one may be a cry for help, and its problem says how long it is."""


class AskSerializer(serializers.Serializer[Any]):
    question = QuestionField(
        allow_blank=True,
        trim_whitespace=False,
        help_text="The length is counted in Unicode code points after NFC normalization.",
    )
    conversation = serializers.UUIDField(
        allow_null=True, default=None, help_text="One of your conversations. Without it a new one begins."
    )
    reworded = serializers.UUIDField(
        allow_null=True,
        default=None,
        help_text="The last turn of `conversation`, if this asks it in other words. It stays, but the model no "
        "longer gets it. The id of any other turn has no effect.",
    )
    personal = serializers.ChoiceField(
        choices=PersonalDataChoice.choices,
        allow_blank=True,
        default="",
        help_text="What to do with personal data in the question, in answer to the problem `personal-found`.",
    )

    wait_for_model = serializers.BooleanField(
        default=False,
        help_text="Keep the question while the model is down (`tutor_read`), and answer it when it is back. It has no "
        "effect while the model is up. The turn is `deferred` until then; stop it to withdraw it.",
    )

    local_only = serializers.BooleanField(
        default=False,
        help_text="Keep the question on the site’s own machines: no company outside may answer it. An agreement of the "
        "family has the same effect.",
    )


class TutorStatusSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(
        allow_null=True,
        help_text="The model that your next question goes to, as far as is known before it is written.",
    )
    is_local = serializers.BooleanField(help_text="Whether that model runs on the site’s own machines.")
    model_down_since = serializers.DateTimeField(
        allow_null=True,
        help_text="Since when the model has given no answers, once that has lasted for minutes.",
    )
    deferred = serializers.IntegerField(help_text="How many of your questions wait for the model.")
    deferred_limit = serializers.IntegerField(help_text="How many of your questions may wait.")


class PlanModelSerializer(serializers.Serializer[TutorModel]):
    name = serializers.CharField()
    is_local = serializers.BooleanField(help_text="Whether it runs on the site’s own machines.")
    host = serializers.SerializerMethodField(help_text="Where questions go; null for a local model.")

    def get_host(self, model: TutorModel) -> str | None:
        return None if model.is_local else model.host


class PlanSerializer(serializers.Serializer[PlanSummary]):
    """What your plan gives you, as far as the models allow it. The people who run the site assign plans."""

    name = serializers.CharField()
    short_answers = serializers.IntegerField(
        allow_null=True, help_text="About how many short answers a period has; null means no limit."
    )
    period = serializers.ChoiceField(PeriodLength.choices, source="plan.period_length")
    answer_words = serializers.IntegerField(help_text="About how long an answer may be.")
    memory_words = serializers.IntegerField(help_text="About how much of a conversation is remembered.")
    models = PlanModelSerializer(many=True, help_text="In the order in which they are tried.")


class CheckInAnswerSerializer(serializers.Serializer[Any]):
    answer = serializers.ChoiceField(
        choices=["yes", "no", "unsaid"], help_text="The turn’s `check_in` has a button text for each."
    )


class ReportRequestSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(
        choices=ReportReason.choices,
        allow_blank=True,
        default="",
        help_text="What is wrong with an answer. Ignored for a card, a pause or a refusal.",
    )
    comment = ProseField(allow_blank=True, max_length=MAX_COMMENT_LENGTH, default="")
    shared = serializers.BooleanField(
        default=False,
        help_text="Whether the person lets the people who check the site read this turn. Ask them; never assume it. "
        "Without it the report is only counted, and neither reason nor comment is kept.",
    )


class ReportSerializer(serializers.ModelSerializer[Report]):
    """A report as it is kept. If `shared_at` is null it was never shared, or has been withdrawn."""

    card = CrisisCardSerializer(
        allow_null=True,
        default=None,
        help_text="A crisis card, if the comment is a cry for help. Show all of it.",
    )

    reason = serializers.ChoiceField(choices=ReportReason.choices, allow_blank=True)

    class Meta:
        model = Report
        fields = ("created_at", "reason", "comment", "shared_at", "card")
        read_only_fields = fields


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    class Meta:
        model = Conversation
        fields = ("id", "title", "started_at", "asked_at")
        read_only_fields = fields


class PromptPartsSerializer(serializers.Serializer[Any]):
    """The prompt’s tokens by part, in its order. They add up to `prompt_tokens` once the turn has ended."""

    instructions = serializers.IntegerField(default=0, help_text="What the tutor always has to follow.")
    notes = serializers.IntegerField(
        default=0, help_text="What is remembered of questions that are not carried."
    )
    turns = serializers.IntegerField(default=0, help_text="Earlier questions and answers.")
    question = serializers.IntegerField(default=0)
    after_question = serializers.IntegerField(
        default=0, help_text="Passages of lessons, and instructions for this question alone."
    )


class NoteSerializer(serializers.ModelSerializer[Note]):
    conversation = serializers.UUIDField(
        source="conversation_id", help_text="Another one, if notes last across conversations."
    )
    turn = serializers.UUIDField(source="turn_id", help_text="The turn that it is from.")
    kind = serializers.ChoiceField(choices=NoteKind.choices)

    class Meta:
        model = Note
        fields = ("id", "conversation", "turn", "kind", "text", "created_at", "edited_at")
        read_only_fields = fields


class MemorySerializer(serializers.Serializer[MemoryOverview]):
    """What the next prompt of a conversation carries. Personal details, cards, pauses and refusals are never noted."""

    policy = serializers.ChoiceField(
        choices=MemoryPolicy.choices,
        help_text="The smallest memory of plan, family agreement and own choice.",
    )
    limits = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(limit) for limit in MemoryLimit]),
        help_text="Who has set that nothing is remembered, if `policy` is `none`.",
    )
    has_memory = serializers.BooleanField(help_text="The person’s own choice for this conversation.")
    notes = NoteSerializer(many=True, help_text="In the next prompt, oldest first.")
    waiting = NoteSerializer(
        many=True, help_text="They come in once the turns that they are from are too old to be carried."
    )
    unused = NoteSerializer(many=True, help_text="Kept, and left out of the next prompt.")
    turns = serializers.ListField(
        child=serializers.UUIDField(),
        source="turn_ids",
        help_text="Carried word for word, as far as there is room beside the question.",
    )
    allows_spanning_notes = serializers.BooleanField(
        help_text="Whether the family’s agreement lets notes last from one conversation to the next."
    )
    wants_spanning_notes = serializers.BooleanField(help_text="Whether the person has turned that on.")


class SpanningMemorySerializer(serializers.Serializer[MemoryOverview]):
    """What lasts from one conversation to the next."""

    allows_spanning_notes = serializers.BooleanField(
        help_text="Whether the family’s agreement lets notes last from one conversation to the next."
    )
    wants_spanning_notes = serializers.BooleanField(help_text="Whether the person has turned that on.")
    notes = NoteSerializer(
        many=True,
        help_text="In the first prompt of a new conversation, oldest first: the newest about grade, goals and "
        "wishes. Change them in the conversations that they are from.",
    )


class MemoryChangeSerializer(serializers.Serializer[Any]):
    has_memory = serializers.BooleanField(
        help_text="Turned off, the conversation is forgotten so far: its notes are deleted."
    )


class NoteChangeSerializer(serializers.Serializer[Any]):
    text = ProseField(max_length=MAX_NOTE_LENGTH)


class UsageSerializer(serializers.Serializer[Turn]):
    prompt_tokens = serializers.IntegerField()
    prompt_parts = PromptPartsSerializer()
    cached_tokens = serializers.IntegerField(
        help_text="How many tokens at the prompt’s beginning the model’s server still had in its cache."
    )
    answer_tokens = serializers.IntegerField()
    microdollars = serializers.IntegerField(help_text="Millionths of a dollar.")


class PassageSerializer(serializers.Serializer[FoundPassage]):
    """A passage that the answer cites."""

    title = serializers.CharField()
    lesson = serializers.CharField()
    url = serializers.CharField(help_text="The address of the passage, relative to the site.")


class FixedTextSerializer(serializers.Serializer[FixedText]):
    """A reviewed text instead of an answer. Show all of it; `offers` are questions to ask instead."""

    heading = serializers.CharField()
    paragraphs = serializers.ListField(child=serializers.CharField())
    offers = serializers.ListField(child=serializers.CharField())


class CheckInSerializer(serializers.Serializer[CheckIn]):
    """The question that a pause asks, beside its card. A pause ends by itself after two minutes at most."""

    heading = serializers.CharField()
    paragraphs = serializers.ListField(child=serializers.CharField())
    question = serializers.CharField()
    yes = serializers.CharField(
        help_text="The text of the button for this answer: see `turns_answer_check_in`."
    )
    no = serializers.CharField()
    unsaid = serializers.CharField()
    review = serializers.ListField(
        child=serializers.CharField(),
        help_text="What follows from a yes where people may read the message. Show it before the answers.",
    )
    waits = serializers.CharField()
    answered = serializers.CharField(
        help_text="What to show instead of the question once `resumed_at` is set."
    )


class SupportSerializer(serializers.Serializer[SupportLines]):
    """Show `line` above the answer and `who` below it."""

    line = serializers.CharField()
    who = serializers.CharField()


class TurnSerializer(serializers.ModelSerializer[Turn]):
    """A question and what became of it. Needs `passages` in its context: see serialize_turn and serialize_turns."""

    conversation = serializers.UUIDField(source="conversation_id")
    state = serializers.ChoiceField(choices=TurnState.choices)
    end_reason = serializers.SerializerMethodField(
        help_text="Why it ended without a whole answer. Retry `model_busy` after `retry_at`; the site’s admins know of "
        "`model_error` and `model_quota`; `too_long` needs a shorter question or a new conversation; `model_refused` "
        "and `filtered` need other words. A failed turn costs nothing."
    )
    retry_of = serializers.UUIDField(
        source="retry_of_id", allow_null=True, help_text="The turn that this one retries."
    )
    replaced_by = serializers.UUIDField(
        source="replaced_by_id",
        allow_null=True,
        help_text="The turn to show instead: a better retry or, for a retry that was not better, the earlier turn.",
    )
    continues = serializers.UUIDField(
        source="continues_id", allow_null=True, help_text="The turn whose answer this one continues."
    )
    retry_at = serializers.DateTimeField(
        allow_null=True,
        help_text="The earliest time for a retry, if the `end_reason` is `model_busy` and the time is known.",
    )
    waits_for = serializers.SerializerMethodField(help_text="What a `deferred` turn waits for.")
    deferred_until = serializers.DateTimeField(
        allow_null=True, help_text="When a `deferred` turn ends without an answer at the latest."
    )
    is_local = serializers.BooleanField(
        help_text="Whether `model` runs on the site’s own machines, so that the question did not leave them."
    )
    has_fallen_back = serializers.BooleanField(
        help_text="Whether another model was to answer first, and did not."
    )
    is_brief = serializers.BooleanField(
        help_text="Whether the answer was kept short, because little was left."
    )
    shows_break_reminder = serializers.BooleanField(
        help_text="Whether the asker has been here for an hour: say again that this is an AI, and suggest a break."
    )
    is_reworded = serializers.BooleanField(help_text="Whether its question was asked in other words next.")
    usage = UsageSerializer(source="*")
    passages = serializers.SerializerMethodField()
    card = serializers.SerializerMethodField(help_text="The crisis card of a `carded` or `paused` turn.")
    check_in = serializers.SerializerMethodField(help_text="The check-in of a `paused` turn.")
    fixed_text = serializers.SerializerMethodField(
        help_text="The text of a `refused`, `redirected` or `cut` turn."
    )
    support = serializers.SerializerMethodField(help_text="Lines for a question that sounded burdened.")
    step = serializers.ChoiceField(
        choices=[str(step) for step in HelpStep],
        help_text="What the answer does for a piece of homework; empty for any other answer.",
    )
    follow_up = serializers.ChoiceField(
        choices=[str(follow_up) for follow_up in FollowUp],
        help_text="What the turn asks of the answer of `about`; empty for any other question.",
    )
    about = serializers.UUIDField(source="about_id", allow_null=True)
    follow_ups = serializers.SerializerMethodField(
        help_text="What can be asked of this answer by `turns_follow_up`, the most fitting first."
    )
    site_text = serializers.CharField(
        help_text="The fixed text that answered in place of a model, with its version; empty otherwise."
    )
    quiz = serializers.SerializerMethodField(
        help_text="The quiz of a turn that asked for one. Its `answer` has the same questions as text."
    )

    class Meta:
        model = Turn
        fields = (
            "id", "conversation", "state", "end_reason", "question", "answer", "asked_at", "ended_at", "retry_at",
            "waits_for", "deferred_until", "resumed_at", "retry_of", "replaced_by", "continues", "is_brief",
            "shows_break_reminder", "is_reworded", "model", "is_local", "has_fallen_back", "usage", "passages", "card",
            "check_in", "fixed_text", "support", "step", "follow_up", "about", "follow_ups", "site_text", "quiz",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=EndReason.choices[1:], allow_null=True))
    def get_end_reason(self, turn: Turn) -> str | None:
        return turn.end_reason or None

    @extend_schema_field(serializers.ChoiceField(choices=WaitsFor.choices[1:], allow_null=True))
    def get_waits_for(self, turn: Turn) -> str | None:
        return turn.waits_for or None

    @extend_schema_field(PassageSerializer(many=True))
    def get_passages(self, turn: Turn) -> list[dict[str, Any]]:
        passages: Mapping[str, FoundPassage] = self.context["passages"]
        return [dict(PassageSerializer(passages[key]).data) for key in turn.passages if key in passages]

    @extend_schema_field(CrisisCardSerializer(allow_null=True))
    def get_card(self, turn: Turn) -> dict[str, Any] | None:
        readers: CrisisReaders = self.context["readers"]
        card = find_card(turn, readers.by_turn.get(turn.pk))
        return dict(CrisisCardSerializer(card).data) if card else None

    @extend_schema_field(CheckInSerializer(allow_null=True))
    def get_check_in(self, turn: Turn) -> dict[str, Any] | None:
        readers: CrisisReaders = self.context["readers"]
        check_in = find_check_in(turn, readers.after_yes)
        return dict(CheckInSerializer(check_in).data) if check_in else None

    @extend_schema_field(FixedTextSerializer(allow_null=True))
    def get_fixed_text(self, turn: Turn) -> dict[str, Any] | None:
        text = find_fixed_text(turn)
        return dict(FixedTextSerializer(text).data) if text else None

    @extend_schema_field(SupportSerializer(allow_null=True))
    def get_support(self, turn: Turn) -> dict[str, Any] | None:
        support = find_support(turn)
        return dict(SupportSerializer(support).data) if support else None

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=FOLLOW_UPS)))
    def get_follow_ups(self, turn: Turn) -> list[str]:
        return [str(follow_up) for follow_up in list_follow_ups(turn)]

    @extend_schema_field(PracticeQuizSerializer(allow_null=True))
    def get_quiz(self, turn: Turn) -> dict[str, Any] | None:
        return serialize_quiz(turn)


def serialize_turns(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """Serialize turns. All cited passages are read in one query."""
    turns = list(turns)
    passages = get_passages(key for turn in turns for key in turn.passages)
    context = {"passages": passages, "readers": find_crisis_readers(turns)}
    return list(TurnSerializer(turns, many=True, context=context).data)


def serialize_turn(turn: Turn, passages: Mapping[str, FoundPassage] | None = None) -> dict[str, Any]:
    """Serialize a turn. `passages` are those that it cites, by key, if they are known."""
    if passages is None:
        passages = get_passages(turn.passages)
    context = {"passages": passages, "readers": find_crisis_readers([turn])}
    return dict(TurnSerializer(turn, context=context).data)
