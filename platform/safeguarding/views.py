"""Help that needs no sign-in, no database and no model."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from inference.place import guard_host
from safeguarding.helplines import countries, country_for
from safeguarding.review import review_recorded


@require_safe
@cache_control(public=True, max_age=300)
def help_now(request: HttpRequest) -> HttpResponse:
    first = country_for(settings.HELP_COUNTRY)
    others = [country for country in countries() if country != first]
    return _for_anybody(request, "safeguarding/help_now.html", first=first, others=others)


@require_safe
@cache_control(public=True, max_age=300)
def protocol(request: HttpRequest) -> HttpResponse:
    reviewed = review_recorded(settings.CRISIS_TEXTS_REVIEW)
    return _for_anybody(request, "safeguarding/protocol.html", reviewed=reviewed, guard_host=guard_host())


def _for_anybody(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    """The same page for everybody: asking who reads it would ask the database, which may be what is down."""
    return render(request, template, context | {"user": AnonymousUser()})
