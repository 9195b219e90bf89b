from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.access import own_conversation
from chat.api.serializers import ConversationSerializer, TurnSerializer, turns_told
from chat.selectors import conversations_of, turns_shown
from rest.problems import NOT_FOUND
from rest.schema import answers, page_of, page_parameters
from rest.views import SignedInView


class LastAskedFirst(CursorPagination):
    page_size = 20
    # The second key orders those that were asked in at the same time.
    ordering = ("-asked_at", "-pk")


class FirstAskedFirst(CursorPagination):
    page_size = 20
    ordering = ("asked_at", "pk")


class Conversations(SignedInView):
    @extend_schema(
        operation_id="conversations_list",
        parameters=page_parameters,
        responses=answers({200: page_of(ConversationSerializer)}, NOT_FOUND),
    )
    def get(self, request: Request) -> Response:
        """Your conversations, the last asked in first."""
        pages = LastAskedFirst()
        page = pages.paginate_queryset(conversations_of(self.person), request, self)
        return pages.get_paginated_response(ConversationSerializer(page, many=True).data)


class ConversationTurns(SignedInView):
    @extend_schema(
        operation_id="conversation_turns_list",
        parameters=page_parameters,
        responses=answers({200: page_of(TurnSerializer)}, NOT_FOUND),
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """The turns of one of your conversations, oldest first, without those that another turn replaced."""
        pages = FirstAskedFirst()
        found = own_conversation(self.person, conversation_id)
        page = pages.paginate_queryset(turns_shown(found), request, self)
        return pages.get_paginated_response(turns_told(page or ()))
