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
    """A view of the API for whoever is signed in. What it says stays out of every cache."""

    @property
    def person(self) -> Person:
        person = self.request.user
        assert isinstance(person, Person)  # noqa: S101 - the permission has seen to it; this tells the types
        return person

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """Where every problem's `type` leads: what it means, for whoever writes a program."""
    return render(request, "rest/problems.html", {"kinds": problem_types.values()})
