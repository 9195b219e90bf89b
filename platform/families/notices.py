"""Telling somebody something: quietly on their pages and, where they have an address, by mail."""

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.links import break_links
from accounts.models import Person
from accounts.site import absolute
from families.models import Notice
from mail.services import mail_queue


def notice_send(*, person: Person, words: str, subject: str = "") -> Notice:
    """Tell `person` in the caller's transaction. The words name no question and no answer: a mail is a postcard.

    `subject` is the mail's, where it is about something else than the family's settings.
    """
    notice = Notice.objects.create(person=person, words=words)
    if person.email:
        mail_queue(
            key=f"families.notice:{notice.pk}",
            to=person.email,
            subject=subject or _("Something has changed in your family’s settings"),
            text=f"{break_links(words)}\n\n{absolute(reverse('families:family'))}\n",
        )
    return notice


@transaction.atomic
def notices_seen(*, person: Person) -> None:
    Notice.objects.filter(person=person, seen_at=None).update(seen_at=timezone.now())
