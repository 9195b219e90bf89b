"""Taking a module together: two yeses begin it, one no ends it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from courses.models import Module, Together
from courses.together.locks import people_lock
from families.agreements import other_side
from families.models import Link
from families.notices import notice_send
from families.selectors import standing_links

ASKS_KEPT_FOR = timedelta(days=14)


@transaction.atomic
def together_agree(*, link: Link, module: Module, by: Person) -> Together:
    """One side's yes. The first is an ask, of which the other side is told; the other side's own begins it.

    Saying it twice says it once. Raises Link.DoesNotExist when the two are no longer linked.
    """
    people_lock(link.parent, link.teen)
    link = standing_links().select_related("parent", "teen").get(pk=link.pk)
    together, is_new = Together.objects.get_or_create(
        link=link, module_slug=module.slug, defaults={"asked_by": by}
    )
    if is_new:
        words = _("%(who)s would like to take “%(title)s” together with you. You find it under Learn.")
        notice_send(
            person=other_side(link, by),
            words=words % {"who": by, "title": module.title},
            # A mailbox may be read by others, and a module's title is a topic.
            mail_words=_("%(who)s would like to take a module together with you.") % {"who": by},
            to_do=_("You find it under Learn. Say yes or no there:"),
            path=reverse("courses:modules"),
        )
    elif together.agreed_at is None and together.asked_by_id != by.pk:
        together.agreed_at = timezone.now()
        together.save(update_fields=["agreed_at"])
    return together


@transaction.atomic
def together_end(*, link: Link, module: Module) -> None:
    """One side's no: to an ask, or to going on. Nobody is told, and what was done stays with both."""
    people_lock(link.parent, link.teen)
    Together.objects.filter(link=link, module_slug=module.slug).delete()


@transaction.atomic
def togethers_forget(*, now: datetime | None = None) -> int:
    """Delete the asks that nobody answered in time, and what ended with a link. Returns how many there were."""
    before = (now or timezone.now()) - ASKS_KEPT_FOR
    over = Q(agreed_at=None, asked_at__lt=before) | Q(link__ended_at__isnull=False)
    return Together.objects.filter(over).delete()[0]
