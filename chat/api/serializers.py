"""What the API says of conversations, turns and the cards that they may become, and what it takes for a question."""

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chat.models import (
    LONGEST_QUESTION,
    LONGEST_WORDS,
    Conversation,
    Ending,
    Reason,
    Report,
    State,
    Turn,
    WaitsFor,
)
from chat.replies import card_of
from chat.turns.verdicts import Personal, question_of, said_of, support_of
from courses.retrieval.search import Found, passages_of
from rest.fields import ProseField
from safeguarding.acts import Question, Said, Support
from safeguarding.api import CardSerializer


@extend_schema_field({"type": "string", "maxLength": LONGEST_QUESTION})
class QuestionField(ProseField):
    """Longer ones get here as well: they may be a cry for help, and the refusal says how long they are."""


class AskSerializer(serializers.Serializer[Any]):
    question = QuestionField(
        allow_blank=True,
        trim_whitespace=False,
        help_text="As many characters as Unicode counts, once composed (NFC).",
    )
    conversation = serializers.UUIDField(
        allow_null=True, default=None, help_text="One of your conversations; without it a new one begins."
    )
    personal = serializers.ChoiceField(
        choices=Personal.choices,
        allow_blank=True,
        default="",
        help_text="What to do with a name or an address in it, after `personal-found` has asked.",
    )

    when_back = serializers.BooleanField(
        default=False,
        help_text="Keep the question while the model is down (`tutor_read`), and answer it when it is back. Otherwise "
        "it makes no difference. The turn is `deferred` until then; stop it to take it back.",
    )


class TutorSerializer(serializers.Serializer[Any]):
    model_down_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when the model has given no answers, where that is minutes."
    )
    deferred = serializers.IntegerField(help_text="How many of your questions wait until it is back.")
    deferred_most = serializers.IntegerField(help_text="How many may.")


class AnswerSerializer(serializers.Serializer[Any]):
    answer = serializers.ChoiceField(
        choices=["yes", "no", "unsaid"], help_text="The words for each stand in the turn’s `asks`."
    )


class ReportTurnSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(
        choices=Reason.choices,
        allow_blank=True,
        default="",
        help_text="What is the matter with an answer. It says nothing of a card, a pause or a refusal.",
    )
    words = ProseField(allow_blank=True, max_length=LONGEST_WORDS, default="")
    shared = serializers.BooleanField(
        default=False,
        help_text="Whether the person allows that those who check the site read this turn. Ask them; never assume it. "
        "Without it the report is counted, and neither reason nor words are kept.",
    )


class ReportSerializer(serializers.ModelSerializer[Report]):
    """What is kept of a report. It was never shared, or is not any more, where `shared_at` is null."""

    card = CardSerializer(
        allow_null=True, default=None, help_text="Of words that are a cry for help: show all of it."
    )

    reason = serializers.ChoiceField(choices=Reason.choices, allow_blank=True)

    class Meta:
        model = Report
        fields = ("made_at", "reason", "words", "shared_at", "card")
        read_only_fields = fields


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    class Meta:
        model = Conversation
        fields = ("id", "title", "started_at", "asked_at")
        read_only_fields = fields


class UsageSerializer(serializers.Serializer[Turn]):
    prompt_tokens = serializers.IntegerField()
    answer_tokens = serializers.IntegerField()
    microdollars = serializers.IntegerField(help_text="Millionths of a dollar.")


class LessonSerializer(serializers.Serializer[Found]):
    """A passage of a lesson that the answer draws on."""

    title = serializers.CharField()
    lesson = serializers.CharField()
    url = serializers.CharField(help_text="Where it can be read, relative to the site.")


class SaidSerializer(serializers.Serializer[Said]):
    """Fixed words, which stand instead of an answer. Show all of them; `offers` are what can be asked instead."""

    heading = serializers.CharField()
    paragraphs = serializers.ListField(child=serializers.CharField())
    offers = serializers.ListField(child=serializers.CharField())


class QuestionSerializer(serializers.Serializer[Question]):
    """What a pause asks, beside its card. It ends by itself at the latest two minutes after it was asked."""

    heading = serializers.CharField()
    paragraphs = serializers.ListField(child=serializers.CharField())
    question = serializers.CharField()
    yes = serializers.CharField(help_text="The words on a button for each answer: see `turns_answer`.")
    no = serializers.CharField()
    unsaid = serializers.CharField()
    waits = serializers.CharField()
    answered = serializers.CharField(
        help_text="What to show instead of the question once `went_on_at` is set."
    )


class SupportSerializer(serializers.Serializer[Support]):
    """Show `line` above the answer and `who` below it."""

    line = serializers.CharField()
    who = serializers.CharField()


class TurnSerializer(serializers.ModelSerializer[Turn]):
    """A question and what became of it. It needs `lessons` in its context: see turn_told and turns_told."""

    conversation = serializers.UUIDField(source="conversation_id")
    state = serializers.ChoiceField(choices=State.choices)
    ending = serializers.SerializerMethodField(
        help_text="Why it ended other than by a whole answer. Try `model_busy` again after `retry_at`; of "
        "`model_broken` and `model_quota` the site’s operators know; `too_long` needs a shorter question or a new "
        "conversation; `model_refused` and `filtered` need other words. A turn that failed costs nothing."
    )
    retry_of = serializers.UUIDField(
        source="retry_of_id", allow_null=True, help_text="The turn whose question this one asks again."
    )
    replaced_by = serializers.UUIDField(
        source="replaced_by_id",
        allow_null=True,
        help_text="The turn to show instead: a better retry or, for a retry that was not better, the earlier turn.",
    )
    continues = serializers.UUIDField(
        source="continues_id", allow_null=True, help_text="The turn whose answer this one goes on with."
    )
    retry_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When to try again at the earliest, where the `ending` is `model_busy` and that is known.",
    )
    waits_for = serializers.SerializerMethodField(help_text="What a turn that is `deferred` waits for.")
    deferred_until = serializers.DateTimeField(
        allow_null=True, help_text="When a turn that waits ends without an answer at the latest."
    )
    is_brief = serializers.BooleanField(help_text="Whether the answer was kept short, as little was left.")
    reminds = serializers.BooleanField(
        help_text="Whether its asker has gone on for an hour: say again that this is an AI, and that a break is good."
    )
    usage = UsageSerializer(source="*")
    lessons = serializers.SerializerMethodField()
    card = serializers.SerializerMethodField(help_text="Of a turn that is `carded` or `paused`.")
    asks = serializers.SerializerMethodField(help_text="Of a turn that is `paused`.")
    said = serializers.SerializerMethodField(
        help_text="Of a turn that is `refused`, `redirected` or `withheld`."
    )
    support = serializers.SerializerMethodField(help_text="Of a question that sounded burdened.")

    class Meta:
        model = Turn
        fields = (
            "id", "conversation", "state", "ending", "question", "answer", "asked_at", "ended_at", "retry_at",
            "waits_for", "deferred_until", "went_on_at", "retry_of", "replaced_by", "continues", "is_brief",
            "reminds", "model", "usage", "lessons", "card", "asks", "said", "support",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Ending.choices[1:], allow_null=True))
    def get_ending(self, turn: Turn) -> str | None:
        return turn.ending or None

    @extend_schema_field(serializers.ChoiceField(choices=WaitsFor.choices[1:], allow_null=True))
    def get_waits_for(self, turn: Turn) -> str | None:
        return turn.waits_for or None

    @extend_schema_field(LessonSerializer(many=True))
    def get_lessons(self, turn: Turn) -> list[dict[str, Any]]:
        found: Mapping[str, Found] = self.context["lessons"]
        return [dict(LessonSerializer(found[key]).data) for key in turn.passages if key in found]

    @extend_schema_field(CardSerializer(allow_null=True))
    def get_card(self, turn: Turn) -> dict[str, Any] | None:
        card = card_of(turn)
        return dict(CardSerializer(card).data) if card else None

    @extend_schema_field(QuestionSerializer(allow_null=True))
    def get_asks(self, turn: Turn) -> dict[str, Any] | None:
        asks = question_of(turn)
        return dict(QuestionSerializer(asks).data) if asks else None

    @extend_schema_field(SaidSerializer(allow_null=True))
    def get_said(self, turn: Turn) -> dict[str, Any] | None:
        said = said_of(turn)
        return dict(SaidSerializer(said).data) if said else None

    @extend_schema_field(SupportSerializer(allow_null=True))
    def get_support(self, turn: Turn) -> dict[str, Any] | None:
        support = support_of(turn)
        return dict(SupportSerializer(support).data) if support else None


def turns_told(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """Every turn as the API tells it; the lessons that all of them cite are read at once."""
    turns = list(turns)
    lessons = passages_of(key for turn in turns for key in turn.passages)
    return list(TurnSerializer(turns, many=True, context={"lessons": lessons}).data)


def turn_told(turn: Turn) -> dict[str, Any]:
    [told] = turns_told([turn])
    return told
