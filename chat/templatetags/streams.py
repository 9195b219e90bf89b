"""The addresses of answers' streams, for the tutor's page."""

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.http import urlencode

from chat.models import Turn, TurnState
from chat.streaming.tokens import create_stream_token

register = template.Library()


@register.simple_tag(takes_context=True)
def stream_address(context: Context, turn: Turn, after: str) -> str:
    """Return the address of a live turn's stream after the entry `after`, for the signed-in person's page.

    A deferred turn may wait for hours, so its stream is opened with the session.
    """
    request = context["request"]
    query = {"after": after}
    if turn.state != TurnState.DEFERRED:
        query["token"] = create_stream_token(request, request.user, turn.pk)
    return f"{reverse('chat:turn_stream', args=[turn.pk])}?{urlencode(query)}"
