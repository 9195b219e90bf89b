"""Form fields for choosing a time zone by city."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.zones import (
    Choice,
    Group,
    build_zone_choices,
    find_canonical_zone,
    format_city,
    format_current_time,
    list_old_names,
)


class ZoneSelect(forms.Select):
    """A grouped list of zones. Each option also has its old names, which a script matches to the browser's zone."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if old_names := list_old_names().get(str(value)):
            option["attrs"]["data-old-names"] = " ".join(old_names)
        return option

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        """Build the HTML of Django's template in Python: including a template for each of 400 options is slow."""
        del template_name, renderer
        widget = context["widget"]
        groups = format_html_join("", "{}", ((_render_group(*group),) for group in widget["optgroups"]))
        return format_html(
            '<select name="{}"{}>{}</select>', widget["name"], flatatt(widget["attrs"]), groups
        )

    def use_required_attribute(self, initial: Any) -> bool:
        """Always False: a zone is always selected, and Django would build the whole list twice to find out."""
        del initial
        return False


def _render_group(label: str | None, options: Iterable[dict[str, Any]], _index: int) -> SafeString:
    html = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((o["value"], flatatt(o["attrs"]), o["label"]) for o in options),
    )
    return format_html('<optgroup label="{}">{}</optgroup>', label, html) if label else html


class ZoneField(forms.ChoiceField):
    """Converts any name of a zone to its canonical name.

    `empty_label` is the label of the choice of no zone, if that is allowed.
    """

    widget = ZoneSelect
    default_error_messages = {
        "required": gettext_lazy("Choose a time zone from the list."),
        "invalid_choice": gettext_lazy("Choose a time zone from the list."),
    }

    def __init__(self, *, empty_label: object = "", **kwargs: Any) -> None:
        self.empty_label = empty_label
        kwargs.setdefault("label", gettext_lazy("Time zone"))
        super().__init__(**kwargs)
        self.offer_first([])

    def offer_first(self, likely: Iterable[str]) -> None:
        """Put these zones at the top of the list."""
        zones = list(likely)

        def choices() -> list[Group | Choice]:
            none: list[Group | Choice] = [("", str(self.empty_label))] if self.empty_label else []
            return [*none, *build_zone_choices(zones)]

        self.choices = choices

    def prepare_value(self, value: Any) -> Any:
        return find_canonical_zone(str(value)) or value

    def to_python(self, value: Any) -> str:
        name = str(super().to_python(value))
        return find_canonical_zone(name) or name

    def valid_value(self, value: str) -> bool:
        return find_canonical_zone(value) is not None


def get_zone_field(form: forms.BaseForm, name: str = "time_zone") -> ZoneField:
    field = form.fields[name]
    assert isinstance(field, ZoneField)  # noqa: S101 - for the type checker
    return field


def add_current_time(field: forms.Field, zone: str) -> None:
    """Show the current time in `zone` below a field, so that a wrong zone is noticed."""
    field.help_text = _("It’s %(time)s in %(city)s now.") % {
        "time": format_current_time(ZoneInfo(zone)),
        "city": format_city(zone),
    }


class NewPersonZoneForm(forms.Form):
    """The zone of a new account: the browser's zone, set by a script, or a guess. The person can choose another.

    Pass the guess as the form's initial `time_zone`.
    """

    time_zone = ZoneField(
        required=False,
        help_text=gettext_lazy(
            "The site shows times and dates in this time zone. The list shows the current time in each place."
        ),
    )
    browser_zone = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = get_zone_field(self)
        field.offer_first([self.initial["time_zone"]])
        field.widget.attrs["data-zone"] = "kept" if self.is_bound else "choose"

    def clean_time_zone(self) -> str:
        return self.cleaned_data["time_zone"] or str(self.initial["time_zone"])

    @property
    def is_zone_confirmed(self) -> bool:
        """Whether the zone is more than our guess: the browser reported it, or the person chose it."""
        zone: str = self.cleaned_data["time_zone"]
        is_browser_zone = zone == find_canonical_zone(self.cleaned_data["browser_zone"])
        return is_browser_zone or zone != self.initial["time_zone"]
