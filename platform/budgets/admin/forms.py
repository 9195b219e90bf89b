"""The forms of the admin's pages about budgets."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.zone_fields import ZoneField, get_zone_field
from budgets.dollars import DollarsField
from budgets.models import Budget, PeriodLength, Plan, StopReason
from budgets.until import Until, get_day_end, get_last_day
from kit.texts import normalize_line

NO_LIMIT_HELP = _("Leave empty for no limit.")


class LimitsForm(forms.Form):
    """What a family's budget or the site's allows."""

    tokens = forms.IntegerField(
        label=_("Tokens per period"), required=False, min_value=0, max_value=2**62, help_text=NO_LIMIT_HELP
    )
    microdollars = DollarsField(label=_("Dollars per period"), required=False, help_text=NO_LIMIT_HELP)
    period_length = forms.ChoiceField(label=_("Period"), choices=PeriodLength.choices)
    time_zone = ZoneField(label=_("Time zone"), required=False, empty_label=_("The site’s default time zone"))

    def __init__(self, *args: Any, budget: Budget, **kwargs: Any) -> None:
        initial = {
            name: getattr(budget, name) for name in ("tokens", "microdollars", "period_length", "time_zone")
        }
        super().__init__(*args, **{"initial": initial, **kwargs})
        get_zone_field(self).offer_first([budget.time_zone])


class PlanChoiceForm(forms.Form):
    """A person's plan."""

    plan = forms.ModelChoiceField(label=_("Plan"), queryset=Plan.objects.order_by("pk"))


class GrantForm(forms.Form):
    """Something extra for a person, a family or the site. Days are those of the active time zone."""

    tokens = forms.IntegerField(label=_("Tokens"), required=False, min_value=0, max_value=2**62)
    microdollars = DollarsField(label=_("Dollars"), required=False)
    until = forms.ChoiceField(
        label=_("Until"), choices=Until.choices, initial=Until.SUNDAY, widget=forms.RadioSelect
    )
    last_day = forms.DateField(
        label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("The person reads it when they download their data."),
    )

    def clean_reason(self) -> str:
        return normalize_line(self.cleaned_data["reason"])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and not values.get("tokens") and not values.get("microdollars"):
            self.add_error("tokens", _("Give tokens, dollars or both."))
        if values.get("until"):
            self._set_end(values)
        return values

    def _set_end(self, values: dict[str, Any]) -> None:
        until, today, chosen = Until(values["until"]), timezone.localdate(), values.get("last_day")
        if until == Until.DATE and chosen is None:
            if "last_day" not in self.errors:
                self.add_error("last_day", _("Choose the date."))
            return
        day: date = get_last_day(until, today, chosen)
        if day < today:
            self.add_error("last_day", _("That day is over."))
        values["expires_at"] = get_day_end(day, timezone.get_current_timezone())


class GrantFileForm(forms.Form):
    """A CSV file of grants."""

    file = forms.FileField(label=_("CSV file"), widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}))

    def read(self) -> str:
        """Return the file's text. Raises UnicodeDecodeError."""
        content: bytes = self.cleaned_data["file"].read()
        return content.decode("utf-8-sig")


class StopForm(forms.Form):
    """Why the tutor is stopped. Everyone reads the reason, so it is chosen; only admins read the note."""

    reason = forms.ChoiceField(
        label=_("What everyone reads, teens too"),
        choices=StopReason.choices,
        widget=forms.RadioSelect,
        initial=StopReason.OTHER,
    )
    note = forms.CharField(
        label=_("A note for admins"),
        required=False,
        max_length=200,
        help_text=_("Only admins read it, in the history."),
    )
