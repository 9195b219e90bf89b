"""The API of what the tutor remembers: a conversation's memory and its notes, and notes in other conversations."""

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from chat.api.problems import MEMORY_NOT_AGREED, NOTE_REJECTED
from chat.api.serializers import (
    MemoryChangeSerializer,
    MemorySerializer,
    NoteChangeSerializer,
    NoteSerializer,
    SpanningMemorySerializer,
)
from chat.api.views import get_own_conversation
from chat.errors import NoteRejected, SpanningNotAgreed
from chat.memory import services
from chat.memory.overview import build_memory_overview, build_spanning_overview
from chat.memory.services import note_rate_limit
from chat.models import Note
from kit.not_found import raise_404_on
from rest.problems import NOT_FOUND, RATE_LIMITED, Problem
from rest.schema import describe_responses
from rest.views import SignedInView
from safeguarding.api import FreeTextView


def get_own_note(person: Person, conversation_id: UUID, note_id: UUID) -> Note:
    """Return a note of a person's own conversation. Raises Http404 for any other."""
    conversation = get_own_conversation(person, conversation_id)
    with raise_404_on(Note.DoesNotExist):
        return Note.objects.get(conversation=conversation, pk=note_id)


class ConversationMemory(SignedInView):
    @extend_schema(
        operation_id="conversation_memory_read",
        responses=describe_responses({200: MemorySerializer}, NOT_FOUND),
    )
    def get(self, _request: Request, conversation_id: UUID) -> Response:
        """Return what the next prompt of one of your conversations carries."""
        return self._describe(conversation_id)

    @extend_schema(
        operation_id="conversation_memory_change",
        request=MemoryChangeSerializer,
        responses=describe_responses({200: MemorySerializer}, NOT_FOUND, writes=True),
    )
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        """Turn the memory of one of your conversations on or off. Turned off, it is forgotten so far."""
        conversation = get_own_conversation(self.person, conversation_id)
        change_serializer = MemoryChangeSerializer(data=request.data)
        change_serializer.is_valid(raise_exception=True)
        services.set_conversation_memory(
            conversation=conversation, is_on=change_serializer.validated_data["has_memory"]
        )
        return self._describe(conversation_id)

    @extend_schema(
        operation_id="conversation_memory_forget",
        request=None,
        responses=describe_responses(
            {204: OpenApiResponse(description="The conversation is forgotten so far.")},
            NOT_FOUND,
            writes=True,
        ),
    )
    def delete(self, _request: Request, conversation_id: UUID) -> Response:
        """Have the tutor forget one of your conversations so far, with its notes. You can still read it."""
        services.forget_conversation(conversation=get_own_conversation(self.person, conversation_id))
        return Response(status=204)

    def _describe(self, conversation_id: UUID) -> Response:
        conversation = get_own_conversation(self.person, conversation_id)
        return Response(MemorySerializer(build_memory_overview(self.person, conversation)).data)


class ConversationNote(FreeTextView):
    free_text = ("text",)

    @extend_schema(
        operation_id="conversation_notes_change",
        request=NoteChangeSerializer,
        responses=describe_responses(
            {200: NoteSerializer}, NOTE_REJECTED, NOT_FOUND, RATE_LIMITED, writes=True
        ),
    )
    def patch(self, request: Request, conversation_id: UUID, note_id: UUID) -> Response:
        """Change what one of your notes says."""
        note = get_own_note(self.person, conversation_id, note_id)
        change_serializer = NoteChangeSerializer(data=request.data)
        change_serializer.is_valid(raise_exception=True)
        note_rate_limit.hit(self.person.pk)
        try:
            services.edit_note(note=note, text=change_serializer.validated_data["text"])
        except NoteRejected as error:
            raise Problem(NOTE_REJECTED) from error
        return Response(NoteSerializer(get_own_note(self.person, conversation_id, note_id)).data)

    @extend_schema(
        operation_id="conversation_notes_forget",
        request=None,
        responses=describe_responses(
            {204: OpenApiResponse(description="The note is forgotten.")}, NOT_FOUND, writes=True
        ),
    )
    def delete(self, _request: Request, conversation_id: UUID, note_id: UUID) -> Response:
        """Forget one of your notes. No prompt carries it again."""
        services.delete_note(note=get_own_note(self.person, conversation_id, note_id))
        return Response(status=204)


class SpanningMemory(SignedInView):
    @extend_schema(operation_id="memory_read", responses=describe_responses({200: SpanningMemorySerializer}))
    def get(self, _request: Request) -> Response:
        """Return whether new conversations use your notes, and which notes they would use."""
        return Response(SpanningMemorySerializer(build_spanning_overview(self.person)).data)

    @extend_schema(
        operation_id="memory_span",
        request=None,
        responses=describe_responses(
            {204: OpenApiResponse(description="Notes last from one conversation to the next.")},
            MEMORY_NOT_AGREED,
            writes=True,
        ),
    )
    def put(self, _request: Request) -> Response:
        """Let new conversations use your notes. Ask the person first: it is off by default."""
        try:
            services.set_spanning_notes(person=self.person, is_on=True)
        except SpanningNotAgreed as error:
            raise Problem(MEMORY_NOT_AGREED) from error
        return Response(status=204)

    @extend_schema(
        operation_id="memory_stop_spanning",
        request=None,
        responses=describe_responses(
            {204: OpenApiResponse(description="Notes stay in their own conversation.")}, writes=True
        ),
    )
    def delete(self, _request: Request) -> Response:
        """Keep your notes in the conversations that they are from."""
        services.set_spanning_notes(person=self.person, is_on=False)
        return Response(status=204)
