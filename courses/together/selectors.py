"""Who takes a module together with whom, always for the person who asks."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from accounts.models import Person
from courses.models import Together
from families.agreements import other_side
from families.models import Link
from families.selectors import links_of

type Reader = Person | AnonymousUser


@dataclass(frozen=True)
class Company:
    """Somebody of the reader's family, and how the two stand in one module."""

    link: Link
    other: Person
    together: Together | None

    @property
    def is_agreed(self) -> bool:
        return self.together is not None and self.together.agreed_at is not None

    @property
    def asks(self) -> bool:
        """Whether the reader's answer is awaited."""
        return not self.is_agreed and self.together is not None and self.together.asked_by_id == self.other.pk


def company_in(module_slug: str, reader: Reader) -> list[Company]:
    """Everybody whom the reader could take a module together with, or does."""
    if not isinstance(reader, Person):
        return []
    links = list(links_of(reader))
    rows = Together.objects.filter(link__in=links, module_slug=module_slug)
    by_link = {row.link_id: row for row in rows}
    return [Company(link, other_side(link, reader), by_link.get(link.pk)) for link in links]


def companions_in(module_slug: str, reader: Reader) -> list[Person]:
    """Those who take a module together with the reader now."""
    if not isinstance(reader, Person):
        return []
    agreed = _near(reader).filter(module_slug=module_slug, agreed_at__isnull=False)
    return [other_side(row.link, reader) for row in agreed.order_by("pk")]


def asks_to(reader: Reader) -> QuerySet[Together]:
    """What the reader's family would like to take together with them; their answer is awaited."""
    if not isinstance(reader, Person):
        return Together.objects.none()
    return _near(reader).filter(agreed_at=None).exclude(asked_by=reader).order_by("asked_at")


def _near(person: Person) -> QuerySet[Together]:
    rows = Together.objects.filter(link__in=links_of(person))
    return rows.select_related("link__parent", "link__teen", "asked_by")
