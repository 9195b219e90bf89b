"""The briefings as pages and as an Atom feed. They are public."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from courses.library.pages import add_sources
from courses.models import Briefing
from kit.languages import build_feed_path, get_feed_language, select_language
from kit.site import build_absolute_url

MAX_FEED_BRIEFINGS = 20


def list_briefings() -> QuerySet[Briefing]:
    """Return the briefings, newest first, in the reader's language or, if untranslated, the default one."""
    return select_language(Briefing.objects.all(), name="slug")


def list_briefing_years() -> list[int]:
    """Return the years that have a briefing, newest first."""
    return [day.year for day in list_briefings().dates("date", "year", order="DESC")]


@require_safe
def archive(request: HttpRequest, year: int | None = None) -> HttpResponse:
    """The briefings of one year, newest first. Without a year, the newest one. 404 for a year without briefings."""
    years = list_briefing_years()
    if year is not None and year not in years:
        raise Http404
    shown = year or next(iter(years), None)
    page = {
        "year": shown,
        "years": years,
        "briefings": list_briefings().filter(date__year=shown) if shown else [],
    }
    return render(request, "briefings/archive.html", page)


@require_safe
def briefing(request: HttpRequest, briefing: str) -> HttpResponse:
    briefing_text = get_object_or_404(list_briefings(), slug=briefing)
    page = {"briefing": briefing_text, "sections": add_sources(briefing_text.sections, briefing_text.sources)}
    return render(request, "briefings/briefing.html", page)


class MultilingualAtomFeed(Atom1Feed):
    """An Atom feed whose entries name their own language, because some are not translated yet."""

    def item_attributes(self, item: dict[str, Any]) -> dict[str, str]:
        return {"xml:lang": item["language"]}


class BriefingsFeed(Feed):  # type: ignore[type-arg]  # not generic at run time
    feed_type = MultilingualAtomFeed
    description_template = "briefings/entry.html"

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the feed in the language of its address, not the one that the feed reader asks for."""
        language = get_feed_language(request)
        with translation.override(language):
            response: HttpResponse = super().__call__(request, *args, **kwargs)
        response.headers["Content-Language"] = language
        return response

    def link(self) -> str:
        return build_absolute_url(reverse("briefings:archive"))

    def feed_url(self) -> str:
        return build_absolute_url(build_feed_path("briefings:feed"))

    def item_link(self, item: Briefing) -> str:
        # This is also the entry's id, so it must not depend on the host or scheme of the request.
        return build_absolute_url(item.get_absolute_url())

    def title(self) -> str:
        return _("Kitchen Table: briefings")

    def subtitle(self) -> str:
        return _("What happened in AI, and why it matters.")

    def author_name(self) -> str:
        return "Kitchen Table"

    def items(self) -> QuerySet[Briefing]:
        return list_briefings()[:MAX_FEED_BRIEFINGS]

    def item_title(self, item: Briefing) -> str:
        return item.title

    def item_extra_kwargs(self, item: Briefing) -> dict[str, str]:
        return {"language": item.language}

    def item_pubdate(self, item: Briefing) -> datetime:
        return _get_start_of_day(item.date)

    def item_updateddate(self, item: Briefing) -> datetime:
        return _get_start_of_day(item.followed_up or item.date)


def _get_start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
