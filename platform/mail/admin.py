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
    """The outbox is looked at here. Rooms write into it, and only a mail that failed can be sent again.

    What a mail says, and the links in it, are its reader's alone.
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

    @admin.action(description=gettext_lazy("Send again what failed"), permissions=["send"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Email]) -> None:
        count = sum(services.resend_email(email=email) for email in chosen.filter(state=EmailState.FAILED))
        if count:
            words = ngettext("%d mail will be sent again.", "%d mails will be sent again.", count) % count
            self.message_user(request, words, messages.SUCCESS)
        else:
            self.message_user(request, _("None of these mails had failed."), messages.WARNING)
