"""What the API's own description says of every route alike: how one signs in, and what goes wrong."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from rest import problems
from rest.problems import ProblemType


class SessionAuthenticationScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "rest.session.SiteSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class ProblemSerializer(serializers.Serializer[object]):
    """A problem as RFC 9457 describes it. Some kinds carry members of their own."""

    type = serializers.CharField(help_text="The kind of problem: a relative URI that never changes.")
    title = serializers.CharField(help_text="The kind in a few words.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do now, in words for people.")
    help = serializers.CharField(help_text="Where people find help from people, whatever is refused here.")
    # The library uses the name for something else, which declared fields do not come in the way of.
    errors = serializers.JSONField(  # type: ignore[assignment]
        required=False, help_text="`invalid`: what is wrong, by field."
    )
    retry_after_seconds = serializers.IntegerField(
        required=False, help_text="`too-often`: when to try again."
    )
    refills_at = serializers.DateTimeField(required=False, help_text="`budget-short`: when it refills.")
    needed = serializers.IntegerField(required=False, help_text="`budget-short`: the tokens that are needed.")
    left = serializers.IntegerField(required=False, help_text="`budget-short`: the tokens that are left.")
    opens_at = serializers.DateTimeField(
        required=False, help_text="`quiet-hours`, `resting`: not before then."
    )
    card = serializers.JSONField(
        required=False, help_text="Of words that are a cry for help: a help card, to be shown whole."
    )
    turn = serializers.UUIDField(required=False, help_text="`still-answering`: the turn to wait for or stop.")


type Answers = Mapping[int | tuple[int, str], object]

# What any route may answer, and what one may that reads a body or needs the token.
COMMON_PROBLEMS = (
    problems.NOT_SIGNED_IN,
    problems.NOT_ACCEPTABLE,
    problems.SERVER_ERROR,
    problems.DATABASE_UNAVAILABLE,
)
WRITE_PROBLEMS = (
    problems.BAD_REQUEST,
    problems.BAD_JSON,
    problems.INVALID,
    problems.CSRF_FAILED,
    problems.TOO_LARGE,
    problems.NOT_JSON,
)


def describe_responses(good: Answers, *own: ProblemType, writes: bool = False) -> dict[Any, Any]:
    """A route's answers: the `good` ones, the problems of its `own`, and those that it has in common with others."""
    by_status = defaultdict(list)
    for kind in (*COMMON_PROBLEMS, *(WRITE_PROBLEMS if writes else ()), *own):
        by_status[kind.status.value].append(f"`{kind.name}`")
    return dict(good) | {
        (status, problems.MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=", ".join(names))
        for status, names in sorted(by_status.items())
    }


page_parameters = [
    OpenApiParameter(
        "cursor", str, description="Where a page begins; the links `next` and `previous` carry it."
    )
]


def build_page_serializer(what: type[serializers.BaseSerializer[Any]]) -> serializers.BaseSerializer[Any]:
    """One page of a long list."""
    return inline_serializer(
        f"PageOf{what.__name__.removesuffix('Serializer')}s",
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": what(many=True),
        },
    )
