"""The admin's form for a model."""

import json
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from routing.models import MICRODOLLARS, Capability, TutorModel

PRICE_FIELDS = ("input_price", "cached_input_price", "output_price")


class DollarsField(forms.DecimalField):
    """A price in dollars, stored in millionths of a dollar."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_digits=12, decimal_places=6, **options)

    def prepare_value(self, value: Any) -> Any:
        return f"{_to_dollars(value).normalize():f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        dollars = super().clean(value)
        return None if dollars is None else int(dollars * MICRODOLLARS)

    def has_changed(self, initial: Any, data: Any) -> bool:
        before = _to_dollars(initial) if isinstance(initial, int) else initial
        return super().has_changed(before, data)


def _to_dollars(microdollars: int) -> Decimal:
    return Decimal(microdollars) / MICRODOLLARS


class ExtraFieldsField(forms.JSONField):
    """A JSON object that PostgreSQL can store. Empty means no fields."""

    def to_python(self, value: Any) -> Any:
        try:
            fields = super().to_python(value)
            stored = json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()
        except (RecursionError, ValueError) as error:
            raise self._build_error(value) from error
        if b"\\u0000" in stored:
            raise self._build_error(value)
        return {} if fields is None else fields

    def bound_data(self, data: Any, initial: Any) -> Any:
        # As it was typed: what cannot be stored cannot be put into a page either.
        return initial if self.disabled else InvalidJSONInput(data or "")

    def _build_error(self, value: Any) -> ValidationError:
        return ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value})


class TutorModelForm(forms.ModelForm):  # type: ignore[type-arg]
    key_variable = forms.ChoiceField(label=_("Key"), required=False)
    input_price = DollarsField(
        label=_("Price of input"), required=False, help_text=_("Dollars per million tokens, such as 0.15.")
    )
    cached_input_price = DollarsField(
        label=_("Price of cached input"),
        required=False,
        help_text=_("For the part of a prompt that the server had cached. Empty: the price of input."),
    )
    output_price = DollarsField(
        label=_("Price of output"), required=False, help_text=_("Thinking counts as output.")
    )
    capabilities = forms.MultipleChoiceField(
        label=_("Capabilities"),
        choices=Capability.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("“Try it” finds out what the model and its server can do."),
    )

    class Meta:
        model = TutorModel
        field_classes = {"extra_fields": ExtraFieldsField}
        fields = (
            "name",
            "is_enabled",
            "position",
            "base_url",
            "model_name",
            "key_variable",
            "input_price",
            "cached_input_price",
            "output_price",
            "context_tokens",
            "answer_tokens",
            "max_answers",
            "first_token_seconds",
            "next_token_seconds",
            "prompt_profile",
            "capabilities",
            "extra_fields",
        )
        help_texts = {
            "base_url": _(
                "Of an OpenAI-compatible API, such as https://api.example.com/v1. TUTOR_HOSTS in the site’s "
                "environment must name its host. Redirects are never followed."
            ),
            "extra_fields": _(
                'Sent with each request, as a JSON object: {"temperature": 0.3} or {"reasoning_effort": "low"}.'
            ),
            "first_token_seconds": _("How long the first word may take, with the time to load the model."),
            "next_token_seconds": _("How long the server may be silent in the middle of an answer."),
            "context_tokens": _("A prompt and its answer together, as the server is set up."),
            "answer_tokens": _("A plan may allow less."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of the settings' model, and for people who may only view, these are not fields of the form.
        if isinstance(field := self.fields.get("key_variable"), forms.ChoiceField):
            field.choices = [("", _("no key")), *((name, name) for name in self._list_keys())]
            field.help_text = _(
                "The variable of the environment that holds the key: its name begins with TUTOR_KEY_. Keys are never "
                "stored or shown."
            )

        if not self.instance.pk:
            # Empty, as 0 would be taken for the price.
            self.initial.update(dict.fromkeys(PRICE_FIELDS))

    def clean_input_price(self) -> int:
        return self.cleaned_data["input_price"] or 0

    def clean_cached_input_price(self) -> int:
        cached: int | None = self.cleaned_data["cached_input_price"]
        # Absent if it is wrong itself.
        return self.cleaned_data.get("input_price", 0) if cached is None else cached

    def clean_output_price(self) -> int:
        return self.cleaned_data["output_price"] or 0

    def _list_keys(self) -> list[str]:
        # A variable that is gone stays until an admin chooses another.
        saved = self.instance.key_variable
        return sorted({*settings.TUTOR_KEYS, *([saved] if saved else [])})

    def _get_validation_exclusions(self) -> set[str]:
        # An address or a key that was allowed once may stay: the model is not used, but can still be taken out of use.
        unchanged = {"base_url", "key_variable"} - set(self.changed_data) if self.instance.pk else set()
        return set(super()._get_validation_exclusions()) | unchanged  # type: ignore[misc]
