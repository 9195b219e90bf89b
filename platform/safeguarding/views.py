"""Help pages that need no sign-in, database or model."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from inference.location import find_outside_guard_host
from safeguarding.helplines import get_country_help, list_usable_countries
from safeguarding.public_facts import get_public_facts
from safeguarding.review import is_review_recorded


@require_safe
@cache_control(public=True, max_age=300)
def help_now(request: HttpRequest) -> HttpResponse:
    first = get_country_help(settings.HELP_COUNTRY)
    others = [country for country in list_usable_countries() if country != first]
    return _render_without_session(request, "safeguarding/help_now.html", first=first, others=others)


@require_safe
@cache_control(public=True, max_age=300)
def protocol(request: HttpRequest) -> HttpResponse:
    reviewed = is_review_recorded(settings.CRISIS_TEXTS_REVIEW)
    return _render_without_session(
        request,
        "safeguarding/protocol.html",
        reviewed=reviewed,
        guard_host=find_outside_guard_host(),
        facts=get_public_facts(),
    )


def _render_without_session(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    """Render without the user, because reading the session could fail while the database is down."""
    return render(request, template, context | {"user": AnonymousUser()})
