"""The parts of the OpenAPI schema that all routes share: authentication and errors."""

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
    """A problem as RFC 9457 describes it. Some types have extra members."""

    type = serializers.CharField(help_text="The problem type: a relative URI that never changes.")
    title = serializers.CharField(help_text="A short summary of the problem type.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do, to be shown to people.")
    help = serializers.CharField(help_text="A relative URI of the page with help lines.")
    # Serializer has a property of this name; declared fields do not replace it.
    errors = serializers.JSONField(  # type: ignore[assignment]
        required=False, help_text="`invalid`: the errors of each field."
    )
    retry_after_seconds = serializers.IntegerField(
        required=False, help_text="`rate-limited`: the number of seconds to wait."
    )
    scope = serializers.CharField(
        required=False, help_text="`budget-short`: whose budget is short, `person`, `family` or `site`."
    )
    unit = serializers.CharField(required=False, help_text="`budget-short`: `tokens` or `microdollars`.")
    refills_at = serializers.DateTimeField(
        required=False, help_text="`budget-short`: when the budget refills."
    )
    needed = serializers.IntegerField(
        required=False, help_text="`budget-short`: how much the turn needs, in `unit`."
    )
    left = serializers.IntegerField(required=False, help_text="`budget-short`: how much is left, in `unit`.")
    opens_at = serializers.DateTimeField(
        required=False, help_text="`quiet-hours`, `resting`: when the tutor opens again."
    )
    card = serializers.JSONField(
        required=False, help_text="The crisis card for a text that calls for help. Show all of it."
    )
    length = serializers.IntegerField(
        required=False, help_text="`question-too-long`: the number of the question’s characters."
    )
    limit = serializers.IntegerField(
        required=False, help_text="`question-too-long`: about how many characters can be read at once."
    )
    parts = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="`personal-found`: the personal details in the question.",
    )
    turn = serializers.UUIDField(
        required=False, help_text="`still-answering`: the turn to wait for or to stop."
    )


type Responses = Mapping[int | tuple[int, str], object]

# The problems of every route, and those of routes that read a body or check the CSRF token.
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


def describe_responses(
    successes: Responses, *own_problems: ProblemType, writes: bool = False
) -> dict[Any, Any]:
    """Return a route's responses: the successful ones, its own problems, and the common ones."""
    by_status = defaultdict(list)
    for problem_type in (*COMMON_PROBLEMS, *(WRITE_PROBLEMS if writes else ()), *own_problems):
        by_status[problem_type.status.value].append(f"`{problem_type.name}`")
    return dict(successes) | {
        (status, problems.MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=", ".join(names))
        for status, names in sorted(by_status.items())
    }


PAGE_PARAMETERS = [
    OpenApiParameter(
        "cursor", str, description="Where a page begins. Take it from the links `next` and `previous`."
    )
]


def build_page_serializer(
    item_serializer: type[serializers.BaseSerializer[Any]],
) -> serializers.BaseSerializer[Any]:
    """Return a serializer for one page of a list of `item_serializer`."""
    return inline_serializer(
        f"PageOf{item_serializer.__name__.removesuffix('Serializer')}s",
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": item_serializer(many=True),
        },
    )
