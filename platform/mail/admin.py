from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from kit.admin import ReadOnlyAdmin
from mail import services
from mail.models import Email, EmailState


@admin.register(Email)
class EmailAdmin(ReadOnlyAdmin):
    """Shows the outbox read-only. The only action is to resend failed emails.

    The text is not shown: it and its links are for the recipient only.
    """

    list_display = ("to", "subject", "state", "bounce", "attempts", "sent_at", "error")
    fields = (
        "key",
        "to",
        "subject",
        "message_id",
        "created_at",
        "state",
        "attempts",
        "send_after",
        "sent_at",
        "bounce",
        "bounced_at",
        "error",
    )
    list_filter = ("state", "bounce")
    search_fields = ("to",)
    ordering = ("-created_at",)
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("mail.change_email"))

    @admin.action(description=gettext_lazy("Resend failed emails"), permissions=["send"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Email]) -> None:
        count = sum(services.resend_email(email=email) for email in chosen.filter(state=EmailState.FAILED))
        if count:
            message = ngettext("%d email will be sent again.", "%d emails will be sent again.", count) % count
            self.message_user(request, message, messages.SUCCESS)
        else:
            self.message_user(request, _("None of these emails had failed."), messages.WARNING)
