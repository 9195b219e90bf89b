"""Serializers for follow-ups and practice quizzes."""

from typing import Any

from rest_framework import serializers

from chat.method.quizzes import MAX_QUESTIONS, QuizSource, load_quiz
from chat.method.reading import FollowUp
from chat.models import Turn
from rest.fields import ProseField

FOLLOW_UPS = [str(follow_up) for follow_up in FollowUp if follow_up]


class FollowUpRequestSerializer(serializers.Serializer[Any]):
    follow_up = serializers.ChoiceField(choices=FOLLOW_UPS, help_text="One of the turn’s `follow_ups`.")
    attempt = ProseField(
        allow_blank=True,
        default="",
        help_text="The learner’s step or answer, for `check`. Without an attempt in it, they get a hint.",
    )


class PracticeOptionSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    is_right = serializers.BooleanField(allow_null=True, help_text="Null until the question is answered.")
    why = serializers.CharField(help_text="Why it is right or wrong; empty until the question is answered.")


class PracticeQuestionSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    options = PracticeOptionSerializer(many=True)
    chosen = serializers.IntegerField(allow_null=True, help_text="The number of the chosen option, from 0.")
    why = serializers.CharField(help_text="Why its answer is right; empty until it is answered.")


class PracticeQuizSerializer(serializers.Serializer[Any]):
    """A practice quiz. There are no points."""

    origin = serializers.ChoiceField(
        choices=[str(source) for source in QuizSource],
        help_text="Who wrote it: the `model`, a `lesson` of this site, or it is an `open` question that the learner "
        "checks alone, without a right option.",
    )
    module = serializers.CharField(help_text="The module of this site that fits; may be empty.")
    questions = PracticeQuestionSerializer(many=True)


class QuizAnswerSerializer(serializers.Serializer[Any]):
    choices = serializers.ListField(
        child=serializers.IntegerField(min_value=0, allow_null=True),
        max_length=MAX_QUESTIONS,
        help_text="The number of the chosen option of each question, or null.",
    )


def serialize_quiz(turn: Turn) -> dict[str, Any] | None:
    """Return a turn's quiz, with what is right only where the learner has chosen; or None."""
    if not turn.quiz:
        return None
    quiz = load_quiz(turn.quiz)
    choices = turn.quiz_choices or [None] * len(quiz.questions)
    return {
        "origin": str(quiz.source),
        "module": quiz.module,
        "questions": [
            {
                "text": question.text,
                "options": [
                    {
                        "text": option.text,
                        "is_right": None if chosen is None else option.is_right,
                        "why": "" if chosen is None else option.why,
                    }
                    for option in question.options
                ],
                "chosen": chosen,
                "why": "" if chosen is None else question.why,
            }
            for question, chosen in zip(quiz.questions, choices, strict=True)
        ],
    }
