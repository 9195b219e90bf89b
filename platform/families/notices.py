"""Telling someone something: quietly on their pages and, where they have an address, by mail."""

from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import Person
from families.models import Notice
from kit.links import break_links
from kit.site import absolute
from mail.services import mail_queue

# Longer ones are cut off in the lists of mail programs.
LONGEST_MAIL_SUBJECT = 120


def notice_send(
    *,
    person: Person,
    words: str,
    to_do: str = "",
    path: str = "/family/",
    subject: str = "",
    mail_words: str = "",
) -> Notice:
    """Tell `person` in the caller's transaction.

    `words` say what has happened, and stand on the family's page. The mail says them in its subject and its first
    sentence, then `to_do`, and has one link, to `path`. Others may read a mailbox: neither names a topic, a question,
    an answer or anything of a crisis. `mail_words` take the place of `words` that do, and `subject` of long ones.
    """
    notice = Notice.objects.create(person=person, words=words)
    if person.email:
        said = mail_words or words
        to_do = to_do or _("Your family’s page shows what you can do now:")
        mail_queue(
            key=f"families.notice:{notice.pk}",
            to=person.email,
            subject=_subject_of(subject or said),
            text=f"{break_links(said)} {to_do}\n\n{absolute(path)}\n",
        )
    return notice


def _subject_of(words: str) -> str:
    """The words on one line, without the full stop of a sentence."""
    line = Truncator(" ".join(words.split())).chars(LONGEST_MAIL_SUBJECT)
    return line if line.endswith(("a.m.", "p.m.")) else line.removesuffix(".")


@transaction.atomic
def notices_seen(*, person: Person) -> None:
    Notice.objects.filter(person=person, seen_at=None).update(seen_at=timezone.now())
