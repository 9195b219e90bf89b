from django import forms

from accounts.prose import ProseField
from chat.models import LONGEST_WORDS


class ReportForm(forms.Form):
    """What a person says against a turn. A reason that is none of chat.models.Reason is taken for "something else"."""

    reason = forms.CharField(required=False)
    words = ProseField(max_length=LONGEST_WORDS, required=False)
    shared = forms.BooleanField(required=False)
