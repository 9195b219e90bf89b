"""What the demo's pages read. There is no person to ask for: in a demo the outbox is everybody's."""

from uuid import UUID

from django.db.models import QuerySet

from mail.models import Attachment, Mail

SHOWN = 50


def mails_newest() -> QuerySet[Mail]:
    return Mail.objects.defer("text").order_by("-created_at")[:SHOWN]


def mail_shown(mail_id: UUID) -> Mail:
    """Raises Mail.DoesNotExist."""
    return Mail.objects.prefetch_related("attachments").get(pk=mail_id)


def attachment_of(mail_id: UUID, attachment_id: int) -> Attachment:
    """Raises Attachment.DoesNotExist, also for another mail's."""
    return Attachment.objects.get(mail_id=mail_id, pk=attachment_id)
