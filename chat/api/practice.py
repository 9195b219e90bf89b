"""The API of follow-ups and practice quizzes."""

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.practice_serializers import FollowUpRequestSerializer, QuizAnswerSerializer
from chat.api.problems import ASKING_PROBLEMS, NOT_OFFERED, raise_problems
from chat.api.serializers import TurnSerializer, serialize_turn
from chat.api.views import KEY_PARAMETER, build_response, get_own_turn, read_key
from chat.asking.follow_ups import NothingToCheck, answer_quiz, ask_follow_up
from chat.asking.services import require_question_rate
from chat.method.reading import FollowUp
from kit.not_found import raise_404_on
from rest.problems import NOT_FOUND, RATE_LIMITED
from rest.schema import describe_responses
from rest.views import SignedInView
from safeguarding.api import FreeTextView


class TurnFollowUp(FreeTextView):
    free_text = ("attempt",)

    @extend_schema(
        operation_id="turns_follow_up",
        parameters=[KEY_PARAMETER],
        request=FollowUpRequestSerializer,
        responses=describe_responses(
            {
                201: OpenApiResponse(TurnSerializer, description="The turn was created."),
                200: OpenApiResponse(TurnSerializer, description="The turn existed already."),
            },
            *ASKING_PROBLEMS,
            NOT_OFFERED,
            NOT_FOUND,
            RATE_LIMITED,
            writes=True,
        ),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Ask for a hint, a check of the learner’s step, another explanation or a quiz, in a new turn.

        It is judged, costs and is answered like any question. With homework, hints come first, and the whole way only
        after an attempt: see the turn’s `follow_ups`.
        """
        about, key = get_own_turn(self.person, turn_id), read_key(request)
        follow_up_serializer = FollowUpRequestSerializer(data=request.data)
        follow_up_serializer.is_valid(raise_exception=True)
        attempt = follow_up_serializer.validated_data["attempt"]
        require_question_rate(self.person, attempt or about.question, about.conversation)
        with raise_problems(self.person):
            started = ask_follow_up(
                person=self.person,
                about=about,
                follow_up=FollowUp(follow_up_serializer.validated_data["follow_up"]),
                turn_id=key,
                text=attempt,
            )
        return build_response(started)


class TurnQuiz(SignedInView):
    @extend_schema(
        operation_id="turns_check_quiz",
        request=QuizAnswerSerializer,
        responses=describe_responses({200: TurnSerializer}, NOT_FOUND, writes=True),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Check the answers to a turn’s quiz. They may be changed; there are no points."""
        turn = get_own_turn(self.person, turn_id)
        answer_serializer = QuizAnswerSerializer(data=request.data)
        answer_serializer.is_valid(raise_exception=True)
        choices = [
            "" if choice is None else str(choice) for choice in answer_serializer.validated_data["choices"]
        ]
        with raise_404_on(NothingToCheck):
            answer_quiz(turn=turn, choices=choices)
        return Response(serialize_turn(turn))
