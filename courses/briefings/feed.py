"""The briefings as an Atom feed."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

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

    def link(self) -> str:
        return reverse("briefings:archive")

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
