"""The admin's forms for events. The start is entered in the event's own time zone."""

import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.zone_fields import ZoneField, get_zone_field
from events.changes import list_changes
from events.messages import MessageAudience
from events.models import Event
from events.modules import list_module_choices
from events.recordings import MAX_CAPTION_BYTES, parse_cues
from events.selectors import list_confirmed_sign_ups
from events.times import NoSuchTime, to_instant
from kit.texts import ProseField


class EventForm(forms.ModelForm):  # type: ignore[type-arg]
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    start_time = forms.TimeField(
        label=_("Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_(
            "In the event’s own time zone. When the clocks go back and a time occurs twice, the first one counts."
        ),
    )
    time_zone = ZoneField()
    notify = forms.ChoiceField(
        label=_("If this changes what people were told"),
        choices=[
            ("yes", _("Email everyone who signed up, and update their calendars")),
            ("no", _("Don’t notify anyone")),
        ],
        widget=forms.RadioSelect,
        required=False,
    )

    module_slug = forms.ChoiceField(label=_("Module"), required=False)
    captions_file = forms.FileField(
        label=_("Captions"),
        required=False,
        help_text=_("A WebVTT file (.vtt). It’s shown with the recording and as its transcript."),
    )

    translated_title = forms.CharField(
        label=_("Title"), max_length=120, required=False, widget=AdminTextInputWidget
    )
    translated_summary = forms.CharField(
        label=_("Summary"), max_length=300, required=False, widget=AdminTextInputWidget
    )
    translated_description = ProseField(label=_("Description"), required=False, widget=AdminTextareaWidget)

    class Meta:
        model = Event
        field_classes = {"description": ProseField}
        fields = (
            "title",
            "slug",
            "hosts",
            "summary",
            "description",
            "language",
            "time_zone",
            "minutes",
            "series",
            "capacity",
            "max_guests",
            "is_published",
            "module_slug",
            "join_url",
            "recording_url",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        get_zone_field(self).offer_first([self.instance.time_zone])
        translations = self.initial.get("translations") or self.instance.translations
        for translation in translations.values():
            self.initial.update({f"translated_{name}": text for name, text in translation.items()})
        if self.instance.starts_at:
            local = self.instance.starts_local
            self.initial.update(day=local.date(), start_time=local.time())
        field = self.fields["module_slug"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the types
        modules = dict(list_module_choices())
        # Keep a module that is no longer in the library until an admin chooses another.
        saved = self.instance.module_slug
        field.choices = [("", _("No module")), *({saved: saved} | modules if saved else modules).items()]

    def clean_captions_file(self) -> object:
        """Store the captions on the event. Raises ValidationError for a file that is too large or is not WebVTT."""
        file = self.cleaned_data["captions_file"]
        if not file:
            return file
        if file.size > MAX_CAPTION_BYTES:
            raise forms.ValidationError(_("That file is larger than 1 MB, too large for captions."))
        try:
            text = file.read().decode()
            parse_cues(text)
        except ValueError as error:
            raise forms.ValidationError(
                _("That isn’t a WebVTT file, or it has no captions in it.")
            ) from error
        self.instance.captions = text
        return file

    def clean(self) -> dict[str, Any]:
        """Compute the start from day, time and zone, and collect the translation."""
        cleaned = super().clean() or {}
        self._set_translation(cleaned)
        return self._set_start(cleaned)

    def _set_translation(self, cleaned: dict[str, Any]) -> None:
        """Keep the translation for the site's language that is not spoken at the event: all of it, or none."""
        names = ["title", "summary", "description"]
        texts = {name: cleaned.get(f"translated_{name}", "") for name in names}
        given = [name for name in names if texts[name]]
        needed = [name for name in names if cleaned.get(name)]
        if given and not set(needed) <= set(given):
            for name in set(needed) - set(given):
                self.add_error(f"translated_{name}", _("Translate all of it, or nothing."))
        language = next(code for code in dict(settings.LANGUAGES) if code != cleaned.get("language"))
        self.instance.translations = {language: texts} if given else {}

    def _set_start(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Set the start. A time that the zone's clocks skip is an error."""
        day, start_time, zone = (cleaned.get(name) for name in ("day", "start_time", "time_zone"))
        if not (day and start_time is not None and zone):
            return cleaned
        try:
            self.instance.starts_at = to_instant(datetime.combine(day, start_time), ZoneInfo(zone))
        except NoSuchTime:
            self.add_error(
                "start_time", _("That time doesn’t exist on that day, because the clocks go forward.")
            )
            return cleaned
        if self.instance.starts_at > timezone.now() and cleaned.get("minutes", 0) is None:
            self.add_error("minutes", _("Enter a length. The calendar file needs an end time."))
        return cleaned

    def full_clean(self) -> None:
        super().full_clean()
        # Only now has the form set all fields of the instance.
        if self.is_bound and not self.errors and self.instance.pk:
            self._require_a_word_about_people()

    def _require_a_word_about_people(self) -> None:
        event, saved = self.instance, Event.objects.get(pk=self.instance.pk)
        people = list_confirmed_sign_ups(saved).count() if saved.is_open else 0
        if not people:
            return
        if event.starts_at != saved.starts_at and event.is_over:
            self.add_error(
                "day",
                _(
                    "People have signed up, and that day is in the past. Choose a later day, or cancel the event."
                ),
            )
        if "is_published" in self.changed_data and not event.is_published:
            self.add_error(
                "is_published", _("People have signed up. Cancel the event instead, so they get an email.")
            )
        changes = list_changes(event)
        if changes and not self.cleaned_data.get("notify"):
            error = ngettext(
                "%(people)d person signed up, and this changes: %(changes)s. Choose whether to email them.",
                "%(people)d people signed up, and this changes: %(changes)s. Choose whether to email them.",
                people,
            )
            self.add_error("notify", error % {"people": people, "changes": ", ".join(map(str, changes))})


class CancelForm(forms.Form):
    reason = ProseField(
        label=_("Reason, in a sentence for everyone who signed up"),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        max_length=1000,
        required=False,
    )


class MessageForm(forms.Form):
    """A message from an admin. Its id makes sure that a form submitted twice sends one message."""

    message_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    audience = forms.ChoiceField(label=_("Send to"), widget=forms.RadioSelect)
    subject = forms.CharField(label=_("Subject"), max_length=120)
    body = ProseField(
        label=_("Message"), widget=forms.Textarea(attrs={"rows": 10, "cols": 70}), max_length=5000
    )

    def __init__(self, *args: Any, counts: dict[MessageAudience, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["audience"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the types
        field.choices = [
            (audience.value, f"{audience.label} ({count})") for audience, count in counts.items() if count
        ]

    def clean_subject(self) -> str:
        return " ".join(str(self.cleaned_data["subject"]).split())


class RepeatForm(forms.Form):
    times = forms.IntegerField(label=_("Number of dates to add"), min_value=1, max_value=52, initial=3)
    weeks = forms.IntegerField(label=_("Weeks between dates"), min_value=1, max_value=12, initial=1)
