"""The forms for signing up and for feedback."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.names import NameFormField
from events.models import MAX_COMMENT_LENGTH, FeedbackWorth
from kit.email_addresses import CanonicalEmailField
from kit.texts import ProseField


class FeedbackForm(forms.Form):
    worth = forms.ChoiceField(
        choices=FeedbackWorth.choices,
        error_messages={"required": _("Choose one."), "invalid_choice": _("Choose one.")},
    )
    comment = ProseField(max_length=MAX_COMMENT_LENGTH, required=False)


class SignUpForm(forms.Form):
    name = NameFormField(error_messages={"required": _("Type your name.")})
    email = CanonicalEmailField()
    # The signed key of a host's link, if the guest followed one.
    key = forms.CharField(max_length=200, required=False)
    # A honeypot field, hidden by the stylesheet: only bots fill it in.
    topic = forms.CharField(required=False)

    @property
    def is_from_bot(self) -> bool:
        return bool(self.data.get("topic"))
