"""The tutor's API: questions, turns, pauses, reports and conversations of the signed-in person."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from chat import services, streaming
from chat.api.events import LAST_EVENT_PARAMETER, EventStreamRenderer, accepts_events, build_turn_response
from chat.api.problems import (
    ASKING_PROBLEMS,
    KEY_MISSING,
    NOTHING_TO_CONTINUE,
    NOTHING_TO_REPORT,
    TUTOR_RESTING,
    raise_problems,
)
from chat.api.serializers import (
    AskSerializer,
    CheckInAnswerSerializer,
    ConversationSerializer,
    PlanSerializer,
    ReportRequestSerializer,
    ReportSerializer,
    TurnSerializer,
    TutorStatusSerializer,
    serialize_turn,
    serialize_turns,
)
from chat.asking import services as asking
from chat.asking.follow_ups import continue_turn
from chat.asking.services import StartedTurn, require_question_rate
from chat.errors import TurnIdTaken
from chat.model_choice import preview_route
from chat.models import Conversation, Turn
from chat.plans import list_plan_summaries
from chat.reports import NothingToReport, create_report, report_rate_limit, withdraw_report
from chat.selectors import (
    find_pause,
    find_reworded_turn,
    get_conversation,
    get_turn,
    list_conversations,
    list_shown_turns,
)
from chat.services import answer_check_in, end_pause
from chat.streaming.reader import require_stream_slot
from chat.turns.outages import MAX_DEFERRED, count_deferred
from chat.turns.verdicts import CRISIS_ACTIONS, judge_question
from families.gate import get_tutor_gate
from guard import action_for
from kit.not_found import raise_404_on
from kit.rate_limits import RateLimited
from rest.problems import NOT_FOUND, RATE_LIMITED, Problem
from rest.rendering import SurrogateSafeJSONRenderer
from rest.schema import PAGE_PARAMETERS, build_page_serializer, describe_responses
from rest.views import SignedInView
from safeguarding.api import FreeTextView
from telemetry.context import bind_log_ids


def get_own_conversation(person: Person, conversation_id: UUID) -> Conversation:
    """Return a person's own conversation. Raises Http404 for any other."""
    with raise_404_on(Conversation.DoesNotExist):
        return get_conversation(person, conversation_id)


def get_own_turn(person: Person, turn_id: UUID) -> Turn:
    """Return a person's own turn, and add its id to the log lines of this request. Raises Http404 for any other."""
    bind_log_ids(turn=turn_id)
    with raise_404_on(Turn.DoesNotExist):
        return get_turn(person, turn_id)


KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.HEADER,
    required=True,
    description="The turn’s id, which you choose. The same key again returns the same turn.",
)


STREAM_DESCRIPTION = """
With `Accept: text/event-stream` the response is the stream of the turn: the first event is `turn`, with the JSON that
the response would be otherwise, and the events of `turns_events` follow it until the turn ends. So a question takes one
request. The same key again, with `Last-Event-ID`, continues the stream. Closing it stops nothing.
"""


class TurnCreate(FreeTextView):
    renderer_classes = [SurrogateSafeJSONRenderer, EventStreamRenderer]
    free_text = ("question",)

    @extend_schema(
        operation_id="turns_create",
        parameters=[KEY_PARAMETER, LAST_EVENT_PARAMETER],
        request=AskSerializer,
        responses=describe_responses(
            {
                (201, "application/json"): OpenApiResponse(
                    TurnSerializer, description="The turn was created."
                ),
                (201, EventStreamRenderer.media_type): OpenApiResponse(str, description=STREAM_DESCRIPTION),
                (200, "application/json"): OpenApiResponse(
                    TurnSerializer, description="The turn existed already."
                ),
                (200, EventStreamRenderer.media_type): OpenApiResponse(str, description=STREAM_DESCRIPTION),
            },
            *ASKING_PROBLEMS,
            NOT_FOUND,
            RATE_LIMITED,
            writes=True,
        ),
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Ask a question, in a new conversation or in one of yours. A crisis is answered with a card at once.

        That holds whatever else is wrong: with a used key the card's turn gets a new id, and a problem for which
        nothing can be stored carries the card in its member `card`.

        Accept `text/event-stream` to get the answer on the same request.

        Cards, fixed texts and lessons are in the language of `Accept-Language`, if available. So is an answer to a
        question whose language is unclear.
        """
        person, key = self.person, read_key(request)
        ask_serializer = AskSerializer(data=request.data)
        ask_serializer.is_valid(raise_exception=True)
        question, conversation_id = (
            ask_serializer.validated_data["question"],
            ask_serializer.validated_data["conversation"],
        )
        conversation = get_own_conversation(person, conversation_id) if conversation_id else None
        if accepts_events(request):
            _require_stream_slot(person, question, conversation)
        require_question_rate(person, question, conversation)
        with raise_problems(person):
            started = _start_turn(
                person=person,
                turn_id=key,
                question=question,
                conversation=conversation,
                reworded=find_reworded_turn(conversation, ask_serializer.validated_data["reworded"]),
                personal_data_choice=ask_serializer.validated_data["personal"],
                wait_for_model=ask_serializer.validated_data["wait_for_model"],
                local_only=ask_serializer.validated_data["local_only"],
            )
        if accepts_events(request):
            return build_turn_response(
                request,
                person,
                started.turn,
                status=_get_status(started),
                headers={"Location": _get_address(started)},
            )
        return build_response(started)


def _require_stream_slot(person: Person, question: str, conversation: Conversation | None) -> None:
    """Raise RateLimited if the person cannot open another stream. A cry for help needs none: its card ends the turn."""
    try:
        require_stream_slot(person.pk)
    except RateLimited:
        if not _is_cry_for_help(question, conversation):
            raise


def _is_cry_for_help(question: str, conversation: Conversation | None) -> bool:
    earlier_turns = list_shown_turns(conversation) if conversation else ()
    return action_for(judge_question(question, earlier_turns)) in CRISIS_ACTIONS


def _get_status(started: StartedTurn) -> int:
    return 201 if started.is_new else 200


def _get_address(started: StartedTurn) -> str:
    return reverse("chat_api:turn", args=[started.turn.pk])


def build_response(started: StartedTurn) -> Response:
    """Return the response with a turn that was created now or existed already."""
    headers = {"Location": _get_address(started)}
    return Response(serialize_turn(started.turn), status=_get_status(started), headers=headers)


def read_key(request: Request) -> UUID:
    """Return the turn id that the program chose. Raises the problem KEY_MISSING without one."""
    try:
        return UUID(request.headers.get("Idempotency-Key", ""))
    except ValueError as error:
        raise Problem(KEY_MISSING) from error


def _start_turn(
    *,
    person: Person,
    turn_id: UUID,
    question: str,
    conversation: Conversation | None,
    **options: Any,
) -> StartedTurn:
    """Start a turn. A used key raises TurnIdTaken, except for a cry for help, which gets a new id."""
    start = partial(
        asking.start_turn,
        person=person,
        question=question,
        conversation=conversation,
        **options,
    )
    try:
        return start(turn_id=turn_id)
    except TurnIdTaken:
        if not _is_cry_for_help(question, conversation):
            raise
        return start(turn_id=asking.derive_turn_id(person, turn_id, question))


class TurnContinue(SignedInView):
    @extend_schema(
        operation_id="turns_continue",
        parameters=[KEY_PARAMETER],
        request=None,
        responses=describe_responses(
            {
                201: OpenApiResponse(TurnSerializer, description="The continuation was created."),
                200: OpenApiResponse(TurnSerializer, description="The continuation existed already."),
            },
            *ASKING_PROBLEMS,
            NOTHING_TO_CONTINUE,
            NOT_FOUND,
            RATE_LIMITED,
            writes=True,
        ),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Continue an answer that was stopped, broke off or reached its length limit, in a new turn.

        The new turn `continues` this one, and its question is “Go on.” in the language of `Accept-Language`. It passes
        the same checks as any question. Asking again returns the existing continuation, whatever the key.
        """
        unfinished, key = get_own_turn(self.person, turn_id), read_key(request)
        require_question_rate(self.person, unfinished.question, unfinished.conversation)
        with raise_problems(self.person):
            started = continue_turn(person=self.person, turn=unfinished, turn_id=key)
        if started.turn == unfinished:
            raise Problem(NOTHING_TO_CONTINUE)
        return build_response(started)


class TurnDetail(SignedInView):
    @extend_schema(operation_id="turns_read", responses=describe_responses({200: TurnSerializer}, NOT_FOUND))
    def get(self, request: Request, turn_id: UUID) -> Response:
        """Return one of your turns, with its answer so far. The request counts as reading the answer."""
        turn = get_own_turn(self.person, turn_id)
        if turn.is_live:
            streaming.record_reader(turn.pk)
        return Response(serialize_turn(turn))


class TurnStop(SignedInView):
    @extend_schema(
        operation_id="turns_stop",
        request=None,
        responses=describe_responses({202: TurnSerializer}, NOT_FOUND, writes=True),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Stop one of your turns, and the model with it, within a second. A turn that has ended does not change."""
        turn = get_own_turn(self.person, turn_id)
        services.stop_turn(turn=turn)
        return Response(serialize_turn(get_own_turn(self.person, turn_id)), status=202)


class CheckInAnswer(SignedInView):
    @extend_schema(
        operation_id="turns_answer_check_in",
        request=CheckInAnswerSerializer,
        responses=describe_responses({200: TurnSerializer}, NOT_FOUND, writes=True),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Answer a check-in. A yes shows a crisis card, anything else ends the pause. Only the first answer counts."""
        turn = get_own_turn(self.person, turn_id)
        check_in_serializer = CheckInAnswerSerializer(data=request.data)
        check_in_serializer.is_valid(raise_exception=True)
        answer_check_in(turn=turn, is_yes=check_in_serializer.validated_data["answer"] == "yes")
        return Response(serialize_turn(get_own_turn(self.person, turn_id)))


class TutorStatus(SignedInView):
    @extend_schema(operation_id="tutor_read", responses=describe_responses({200: TutorStatusSerializer}))
    def get(self, _request: Request) -> Response:
        """Return which model your next question goes to, whether it is down, and how many questions wait for it."""
        preview = preview_route(self.person, get_tutor_gate(self.person))
        outage, model = preview.outage, preview.model
        status = {
            "model": model.model_name if model else None,
            "is_local": model is None or model.is_local,
            "model_down_since": outage.began_at if outage else None,
            "deferred": count_deferred(self.person),
            "deferred_limit": MAX_DEFERRED,
        }
        return Response(TutorStatusSerializer(status).data)


class OwnPlan(SignedInView):
    @extend_schema(operation_id="plan_read", responses=describe_responses({200: PlanSerializer}))
    def get(self, _request: Request) -> Response:
        """Your plan: how long an answer may be, how much the tutor remembers, and which models answer."""
        return Response(PlanSerializer(list_plan_summaries(self.person)[0]).data)


class PauseEnd(SignedInView):
    @extend_schema(
        operation_id="tutor_end_pause",
        request=None,
        responses=describe_responses(
            {204: OpenApiResponse(description="The tutor is open.")}, TUTOR_RESTING, writes=True
        ),
    )
    def post(self, _request: Request) -> Response:
        """End the pause after a crisis card. Ask the person first whether they are safe and want to go on."""
        if not end_pause(person=self.person) and (pause := find_pause(self.person)):
            raise Problem(TUTOR_RESTING, fields={"opens_at": pause.until})
        return Response(status=204)


class TurnReport(FreeTextView):
    free_text = ("comment",)

    @extend_schema(
        operation_id="turns_report",
        request=ReportRequestSerializer,
        responses=describe_responses(
            {200: ReportSerializer}, NOTHING_TO_REPORT, NOT_FOUND, RATE_LIMITED, writes=True
        ),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Report that an answer is bad, or that you were misread. An earlier report of the turn does not change."""
        turn = get_own_turn(self.person, turn_id)
        report_serializer = ReportRequestSerializer(data=request.data)
        report_serializer.is_valid(raise_exception=True)
        report_rate_limit.hit(self.person.pk)
        try:
            report = create_report(turn=turn, **report_serializer.validated_data)
        except NothingToReport as error:
            raise Problem(NOTHING_TO_REPORT) from error
        return Response({**ReportSerializer(report).data, "card": self.find_card()})

    @extend_schema(
        operation_id="turns_report_withdraw",
        request=None,
        responses=describe_responses(
            {204: OpenApiResponse(description="The report is withdrawn.")}, NOT_FOUND, writes=True
        ),
    )
    def delete(self, request: Request, turn_id: UUID) -> Response:
        """Withdraw your report of a turn. It stays counted, but its reason and comment are deleted."""
        withdraw_report(turn=get_own_turn(self.person, turn_id))
        return Response(status=204)


class NewestFirstPagination(CursorPagination):
    page_size = 20
    # The second key orders conversations with the same time.
    ordering = ("-asked_at", "-pk")


class OldestFirstPagination(CursorPagination):
    page_size = 20
    ordering = ("asked_at", "pk")


class ConversationList(SignedInView):
    @extend_schema(
        operation_id="conversations_list",
        parameters=PAGE_PARAMETERS,
        responses=describe_responses({200: build_page_serializer(ConversationSerializer)}, NOT_FOUND),
    )
    def get(self, request: Request) -> Response:
        """List your conversations, the last used first."""
        pages = NewestFirstPagination()
        page = pages.paginate_queryset(list_conversations(self.person), request, self)
        return pages.get_paginated_response(ConversationSerializer(page, many=True).data)


class ConversationTurnList(SignedInView):
    @extend_schema(
        operation_id="conversation_turns_list",
        parameters=PAGE_PARAMETERS,
        responses=describe_responses({200: build_page_serializer(TurnSerializer)}, NOT_FOUND),
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """List the turns of one of your conversations, oldest first, without replaced ones."""
        pages = OldestFirstPagination()
        conversation = get_own_conversation(self.person, conversation_id)
        page = pages.paginate_queryset(list_shown_turns(conversation), request, self)
        return pages.get_paginated_response(serialize_turns(page or ()))
