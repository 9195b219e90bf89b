"""The briefings as an Atom feed."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from accounts.feed_languages import feed_language, feed_path
from accounts.site import absolute
from courses.briefings.selectors import briefings_shown
from courses.models import Briefing

NEWEST = 20


class AtomInManyLanguages(Atom1Feed):
    """What is not translated yet stands among what is, and each entry says what it is written in."""

    def item_attributes(self, item: dict[str, Any]) -> dict[str, str]:
        return {"xml:lang": item["language"]}


class BriefingsFeed(Feed):  # type: ignore[type-arg]  # not generic when it runs
    feed_type = AtomInManyLanguages
    description_template = "briefings/entry.html"

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The feed in the language that its address names, whatever the reader's program asks for."""
        language = feed_language(request)
        with translation.override(language):
            response: HttpResponse = super().__call__(request, *args, **kwargs)
        response.headers["Content-Language"] = language
        return response

    def link(self) -> str:
        return absolute(reverse("briefings:archive"))

    def feed_url(self) -> str:
        return absolute(feed_path("briefings:feed"))

    def item_link(self, item: Briefing) -> str:
        # It is the entry's id as well: the same under whichever host and scheme the feed was asked for.
        return absolute(item.get_absolute_url())

    def title(self) -> str:
        return _("Kitchen Table: briefings")

    def subtitle(self) -> str:
        return _("What happened with AI, and why it matters.")

    def author_name(self) -> str:
        return "Kitchen Table"

    def items(self) -> QuerySet[Briefing]:
        return briefings_shown()[:NEWEST]

    def item_title(self, item: Briefing) -> str:
        return item.title

    def item_extra_kwargs(self, item: Briefing) -> dict[str, str]:
        return {"language": item.language}

    def item_pubdate(self, item: Briefing) -> datetime:
        return _begin(item.date)

    def item_updateddate(self, item: Briefing) -> datetime:
        return _begin(item.followed_up or item.date)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
