from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Person
from rest.problems import problem_types


class SignedInView(APIView):
    """An API view for signed-in people. Its responses are not cached."""

    @property
    def person(self) -> Person:
        person = self.request.user
        assert isinstance(person, Person)  # noqa: S101 - for the type checker: the permission requires it
        return person

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """The page that explains every problem type to developers."""
    return render(request, "rest/problems.html", {"problem_types": problem_types.values()})
