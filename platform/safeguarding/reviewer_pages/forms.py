"""The forms of reviewers. The templates have the labels."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.zone_fields import ZoneField, get_zone_field
from kit.texts import ProseField, normalize_line
from safeguarding.human_review import ReviewFacts
from safeguarding.models import MAX_NOTE_LENGTH, HumanReview, OnCallShift, Resolution
from safeguarding.on_call import can_be_told, list_reviewers


class NoteForm(forms.Form):
    """A note or a reason, and how an incident is closed."""

    note = ProseField(max_length=MAX_NOTE_LENGTH, required=False)
    resolution = forms.ChoiceField(
        choices=[(value, label) for value, label in Resolution.choices if value],
        required=False,
    )
    # What the page showed: how many messages, and who had claimed it.
    shown_messages = forms.IntegerField(required=False)
    takes_over_from = forms.IntegerField(required=False)


class _PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    default_error_messages = {"required": _("Choose a person"), "invalid_choice": _("Choose a person")}


def _list_choosable() -> Any:
    """Return the people who may review and can be told: without an email address they cannot."""
    return Person.objects.filter(pk__in=[person.pk for person in list_reviewers() if can_be_told(person)])


class ShiftForm(forms.Form):
    """Hours on call on one or more days of the week."""

    reviewer = _PersonField(queryset=Person.objects.none(), empty_label=None, label=_("Who"))
    weekdays = forms.TypedMultipleChoiceField(
        choices=OnCallShift.Weekday.choices,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day"), "invalid_choice": _("Choose a day")},
    )
    starts = forms.TimeField(
        error_messages={"required": _("Type a time like 09:00"), "invalid": _("Type a time like 09:00")}
    )
    ends = forms.TimeField(
        error_messages={"required": _("Type a time like 17:00"), "invalid": _("Type a time like 17:00")}
    )
    time_zone = ZoneField()

    def __init__(self, *args: Any, person: Person, may_choose: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choosable = _list_choosable()
        self.fields["reviewer"].queryset = choosable if may_choose else choosable.filter(pk=person.pk)  # type: ignore[attr-defined]
        self.initial.setdefault("reviewer", person.pk)
        self.initial.setdefault("time_zone", person.time_zone)
        zone = get_zone_field(self)
        zone.offer_first([person.time_zone])
        zone.widget.attrs |= {"id": "time_zone"}


class _FactField(forms.CharField):
    """A line of the record, normalized."""

    def __init__(self, name: str, **how: Any) -> None:
        field: Any = HumanReview._meta.get_field(name)  # noqa: SLF001 - Django documents it
        super().__init__(max_length=field.max_length, error_messages={"required": _("Fill this in")}, **how)

    def to_python(self, value: Any) -> str | None:
        return super().to_python(normalize_line(value) if isinstance(value, str) else value)


class ReviewForm(forms.Form):
    """What an organization records before its people may review crises."""

    organization = _FactField(
        "organization",
        label=_("Organization"),
        help_text=_("Teens read this name: “Someone at … may read a short part of what you wrote.”"),
    )
    responsible = _PersonField(
        queryset=Person.objects.none(),
        label=_("Responsible person"),
        help_text=_(
            "Someone who may review. They’re told about incidents that no one claims, and about every incident at "
            "level S."
        ),
    )
    responsible_name = _FactField("responsible_name", label=_("Their name and role"))
    deputies = forms.ModelMultipleChoiceField(
        queryset=Person.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Deputies"),
        help_text=_(
            "Only the responsible person and these people may open an incident at level S. Without a deputy, no one "
            "can open it while the responsible person is away."
        ),
        error_messages={"invalid_choice": _("Choose a person"), "invalid_pk_value": _("Choose a person")},
    )
    training = _FactField(
        "training",
        label=_("Training of the reviewers"),
        help_text=_("What it covers, who gave it, and when it is renewed."),
    )
    hours = _FactField(
        "hours",
        label=_("Hours"),
        help_text=_("When someone is on call, in words. The schedule has the exact hours."),
    )
    legal_advice = _FactField(
        "legal_advice",
        label=_("Legal advice"),
        help_text=_("Who gave it, and when. This site is not legal advice."),
    )
    escalate_after_minutes = forms.IntegerField(
        min_value=5,
        max_value=240,
        initial=15,
        label=_("Minutes until an unclaimed incident goes to everyone who may review"),
    )
    excerpt_days = forms.IntegerField(
        min_value=1,
        max_value=365,
        initial=30,
        label=_("Days that a part of a message is kept after its incident is closed"),
    )
    is_confirmed = forms.BooleanField(
        label=_("All of this is true, and we can do it."),
        error_messages={"required": _("Confirm that it is true")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("responsible", "deputies"):
            self.fields[name].queryset = _list_choosable()  # type: ignore[attr-defined]

    @property
    def facts(self) -> ReviewFacts:
        """The facts of a valid form."""
        names = (
            *("organization", "responsible", "responsible_name", "training", "hours", "legal_advice"),
            *("escalate_after_minutes", "excerpt_days", "deputies"),
        )
        return ReviewFacts(**{name: self.cleaned_data[name] for name in names})
