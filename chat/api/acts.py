"""What a person answers to a pause or says after a card, and what they say against a turn."""

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.access import own_turn
from chat.api.refusals import NOTHING_TO_REPORT, RESTING
from chat.api.serializers import (
    AnswerSerializer,
    ReportSerializer,
    ReportTurnSerializer,
    TurnSerializer,
    TutorSerializer,
    turn_told,
)
from chat.reports import NothingToReport, report_make, report_take_back, report_throttle
from chat.selectors import pause_of
from chat.services import pause_end, question_answer
from chat.turns.outages import MOST_DEFERRED, deferred_count, model_outage
from rest.problems import NOT_FOUND, TOO_OFTEN, Problem
from rest.schema import answers
from rest.views import SignedInView
from safeguarding.api import FreeTextView


class TurnAnswer(SignedInView):
    @extend_schema(
        operation_id="turns_answer",
        request=AnswerSerializer,
        responses=answers({200: TurnSerializer}, NOT_FOUND, writes=True),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Answer what a pause asks. A yes brings a card, anything else lets the lesson go on; both only once."""
        turn = own_turn(self.person, turn_id)
        answered = AnswerSerializer(data=request.data)
        answered.is_valid(raise_exception=True)
        question_answer(turn=turn, is_yes=answered.validated_data["answer"] == "yes")
        return Response(turn_told(own_turn(self.person, turn_id)))


class Tutor(SignedInView):
    @extend_schema(operation_id="tutor_read", responses=answers({200: TutorSerializer}))
    def get(self, _request: Request) -> Response:
        """Whether the model is down, and how many of your questions wait until it is back."""
        outage = model_outage()
        told = {
            "model_down_since": outage.began_at if outage else None,
            "deferred": deferred_count(self.person),
            "deferred_most": MOST_DEFERRED,
        }
        return Response(TutorSerializer(told).data)


class GoOn(SignedInView):
    @extend_schema(
        operation_id="tutor_go_on",
        request=None,
        responses=answers({204: OpenApiResponse(description="The tutor is open.")}, RESTING, writes=True),
    )
    def post(self, _request: Request) -> Response:
        """Go on after a help card, by the person's own word: that they are safe and want to. Ask them."""
        if not pause_end(person=self.person) and (pause := pause_of(self.person)):
            raise Problem(RESTING, fields={"opens_at": pause.until})
        return Response(status=204)


class TurnReport(FreeTextView):
    free_text = ("words",)

    @extend_schema(
        operation_id="turns_report",
        request=ReportTurnSerializer,
        responses=answers({200: ReportSerializer}, NOTHING_TO_REPORT, NOT_FOUND, TOO_OFTEN, writes=True),
    )
    def post(self, request: Request, turn_id: UUID) -> Response:
        """Say that an answer is bad, or that you were misread. What you said of a turn before stays as it is."""
        turn = own_turn(self.person, turn_id)
        said = ReportTurnSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        report_throttle.hit(self.person.pk)
        try:
            report = report_make(turn=turn, **said.validated_data)
        except NothingToReport as fault:
            raise Problem(NOTHING_TO_REPORT) from fault
        return Response({**ReportSerializer(report).data, "card": self.card_for_words()})

    @extend_schema(
        operation_id="turns_report_take_back",
        request=None,
        responses=answers({204: OpenApiResponse(description="Nobody may read it.")}, NOT_FOUND, writes=True),
    )
    def delete(self, request: Request, turn_id: UUID) -> Response:
        """Take back what you said of a turn. That there was a report stays counted, and nothing else of it."""
        report_take_back(turn=own_turn(self.person, turn_id))
        return Response(status=204)
