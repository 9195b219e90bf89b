from functools import partial
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from chat import services, streaming
from chat.api.access import own_conversation, own_turn
from chat.api.refusals import KEY_MISSING, NOTHING_TO_CONTINUE, ON_ASKING, told_as_problems
from chat.api.serializers import AskSerializer, TurnSerializer, turn_told
from chat.asking import services as asking
from chat.asking.services import Taken, question_count
from chat.errors import IdTaken
from chat.models import Conversation
from chat.selectors import turns_shown
from chat.turns.verdicts import FIRST, verdict_for
from guard import action_for
from rest.problems import NOT_FOUND, TOO_OFTEN, Problem
from rest.schema import answers
from rest.views import SignedInView
from safeguarding.api import FreeTextView

KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.HEADER,
    required=True,
    description="The turn’s id, made by you. The same key again answers the same turn.",
)


class Turns(FreeTextView):
    free_text = ("question",)

    @extend_schema(
        operation_id="turns_create",
        parameters=[KEY],
        request=AskSerializer,
        responses=answers(
            {
                201: OpenApiResponse(TurnSerializer, description="The question was taken."),
                200: OpenApiResponse(TurnSerializer, description="It had been taken before."),
            },
            *ON_ASKING,
            NOT_FOUND,
            TOO_OFTEN,
            writes=True,
        ),
    )
    def post(self, request: Request) -> Response:
        """Ask a question, in a new conversation or in one of yours. A crisis is answered with a card at once.

        That holds whatever else is wrong: with a used key the card's turn has an id of its own, and a refusal that can
        store nothing carries the card in its member `card`.

        Cards, fixed words and lessons come in the language of `Accept-Language`, where they are written in it. So does
        an answer whose question leaves open in which language it is asked.
        """
        person, key = self.person, _key(request)
        asked = AskSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        question, conversation_id = asked.validated_data["question"], asked.validated_data["conversation"]
        conversation = own_conversation(person, conversation_id) if conversation_id else None
        question_count(person, question, conversation)
        with told_as_problems(person):
            taken = _start(
                person=person,
                turn_id=key,
                question=question,
                conversation=conversation,
                personal=asked.validated_data["personal"],
                when_back=asked.validated_data["when_back"],
            )
        return _answered(taken)


def _answered(taken: Taken) -> Response:
    address = reverse("chat_api:turn", args=[taken.turn.pk])
    return Response(turn_told(taken.turn), status=201 if taken.is_new else 200, headers={"Location": address})


def _key(request: Request) -> UUID:
    try:
        return UUID(request.headers.get("Idempotency-Key", ""))
    except ValueError as fault:
        raise Problem(KEY_MISSING) from fault


def _start(
    *,
    person: Person,
    turn_id: UUID,
    question: str,
    conversation: Conversation | None,
    personal: str,
    when_back: bool,
) -> Taken:
    """Take the question. A key that stands for another one is refused, but never to a cry for help."""
    start = partial(
        asking.turn_start,
        person=person,
        question=question,
        conversation=conversation,
        personal=personal,
        when_back=when_back,
    )
    try:
        return start(turn_id=turn_id)
    except IdTaken:
        past = turns_shown(conversation) if conversation else ()
        if action_for(verdict_for(question, past)) not in FIRST:
            raise
        return start(turn_id=asking.new_id_for(person, turn_id, question))


class TurnContinue(SignedInView):
    @extend_schema(
        operation_id="turns_continue",
        parameters=[KEY],
        request=None,
        responses=answers(
            {
                201: OpenApiResponse(TurnSerializer, description="The rest was asked for."),
                200: OpenApiResponse(TurnSerializer, description="It had been asked for before."),
            },
            *ON_ASKING,
            NOTHING_TO_CONTINUE,
            NOT_FOUND,
            TOO_OFTEN,
            writes=True,
        ),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Go on with an answer that was stopped, broke off or reached its longest length, in a new turn.

        The new turn `continues` this one, and its question is “Go on.” in the language of `Accept-Language`. It passes
        the same checks as any question. Asking again answers the turn that goes on with this one, whatever the key.
        """
        unfinished, key = own_turn(self.person, turn_id), _key(request)
        question_count(self.person, unfinished.question, unfinished.conversation)
        with told_as_problems(self.person):
            taken = asking.continue_turn(person=self.person, turn=unfinished, turn_id=key)
        if taken.turn == unfinished:
            raise Problem(NOTHING_TO_CONTINUE)
        return _answered(taken)


class OneTurn(SignedInView):
    @extend_schema(operation_id="turns_read", responses=answers({200: TurnSerializer}, NOT_FOUND))
    def get(self, request: Request, turn_id: UUID) -> Response:
        """One of your turns, with the words that it has so far. Whoever asks for it counts as reading."""
        turn = own_turn(self.person, turn_id)
        if turn.is_live:
            streaming.note_reader(turn.pk)
        return Response(turn_told(turn))


class TurnStop(SignedInView):
    @extend_schema(
        operation_id="turns_stop",
        request=None,
        responses=answers({202: TurnSerializer}, NOT_FOUND, writes=True),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Stop one of your turns, and the model with it, within a second. One that has ended stays as it is."""
        turn = own_turn(self.person, turn_id)
        services.turn_stop(turn=turn)
        return Response(turn_told(own_turn(self.person, turn_id)), status=202)
