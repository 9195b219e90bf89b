"""An ask to take a module together, as a request that waits for someone in the family."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Person
from courses.together.selectors import asks_to
from families.waiting import RequestKind, Step, WaitingRequest, name_in, request_rows

TOGETHER = "together"


def rows(person: Person) -> QuerySet[Any, Any] | None:
    return request_rows(
        asks_to(person).select_related(None), kind=TOGETHER, key="module_slug", who="asked_by"
    )


def step(request: WaitingRequest, _person: Person) -> Step:
    return Step(
        title=name_in(_("%(who)s would like to take a module together with you"), request.who),
        text=_("It begins when you say yes. A no is fine, and ends it without a word."),
        action=_("Read and answer"),
        url=reverse("courses:module", args=[request.key]) + "#together",
    )


REQUEST = RequestKind(TOGETHER, rows, step)
