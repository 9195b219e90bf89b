"""Crisis cards in the API: in an answer, and in the problem of a refused request."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.urls import reverse
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from rest.problems import SERVER_ERROR, Problem
from rest.views import SignedInView
from safeguarding.cards import build_card
from safeguarding.counts import record_unstored_card
from safeguarding.crisis import find_crisis

logger = logging.getLogger(__name__)


class ContactSerializer(serializers.Serializer[Any]):
    href = serializers.CharField()
    display = serializers.CharField()
    keyword = serializers.CharField(help_text="The text to send; empty if any text is fine.")


class HelpLineSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    hours = serializers.CharField()
    languages = serializers.CharField()
    call = ContactSerializer(allow_null=True)
    text = ContactSerializer(allow_null=True)
    chat = ContactSerializer(allow_null=True)


class CardReviewSerializer(serializers.Serializer[Any]):
    """What happens with the message of a card where people may read it. Show it after the disclosure."""

    paragraphs = serializers.ListField(child=serializers.CharField())
    link = serializers.CharField(help_text="The label of a link to `path`, a page of this site for its teen.")
    path = serializers.SerializerMethodField()

    def get_path(self, _review: object) -> str:
        return reverse("safeguarding:mine")


class CrisisCardSerializer(serializers.Serializer[Any]):
    """A crisis card, shown instead of an answer. Show all of it, in this order."""

    heading = serializers.CharField()
    paragraphs = serializers.ListField(child=serializers.CharField())
    emergency = serializers.CharField(source="country.emergency")
    help_lines = HelpLineSerializer(source="country.lines", many=True)
    next_step = serializers.CharField()
    disclosure = serializers.CharField()
    review = CardReviewSerializer(allow_null=True, help_text="Null if no one reads the message.")
    pause = serializers.CharField()
    quick_exit = serializers.CharField()


class FreeTextView(SignedInView):
    """An API view that reads people's own words, in the members named by `free_text`.

    A crisis is detected even if the request is refused (no session, no token, a used key, a rate limit) or fails
    unexpectedly: the problem then has a member `card`. Nothing is stored for that.
    """

    free_text: tuple[str, ...] = ()

    def handle_exception(self, exc: Exception) -> Response:
        try:
            response = super().handle_exception(exc)
        except Exception:
            if find_crisis(self._list_texts()) is None:
                raise
            # Django would log it, but answer without the card.
            logger.exception("Unexpected error in %s: a crisis card is shown.", self.request.path)
            response = self.handle_exception(Problem(SERVER_ERROR))
        if response.status_code != HTTPStatus.NOT_ACCEPTABLE and isinstance(response.data, dict):
            # After a failure it is not known whether an incident was stored.
            card = self.find_card(says_who_reads=response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR)
            if card:
                response.data["card"] = card
        return response

    def find_card(self, *, says_who_reads: bool = True) -> dict[str, Any] | None:
        """Return the card that the request's text calls for, or None. It is counted, and not stored."""
        verdict = find_crisis(self._list_texts())
        if verdict is None:
            return None
        record_unstored_card(level=str(verdict.level))
        card = build_card(verdict, country=settings.HELP_COUNTRY, says_who_reads=says_who_reads)
        return dict(CrisisCardSerializer(card).data)

    def _list_texts(self) -> list[str]:
        try:
            sent = self.request.data
        except (APIException, SuspiciousOperation):
            return []
        if not isinstance(sent, Mapping):
            return []
        return [text for name in self.free_text if isinstance(text := sent.get(name), str) and text.strip()]
