"""Admin pages: correct a teen's country or birth month, approve parents, choose how parents are verified."""

from datetime import MAXYEAR, date
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.utils.dates import MONTHS
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.age import TooYoung
from accounts.forms import EARLIEST_BIRTH_YEAR
from accounts.models import Person, Role
from families import corrections, verification
from families.consent_models import CheckMethod
from families.countries import list_country_choices
from families.errors import NothingToCorrect
from families.models import ConsentPolicy, Correction, Link, ParentCheck
from kit.admin import SafeAutocompleteAdmin


def get_staff(request: HttpRequest) -> Person:
    """Return the person who is signed in to the admin pages."""
    person = request.user
    assert isinstance(person, Person)  # noqa: S101 - the admin requires sign-in; this tells the types
    return person


def copy_into[M: Model](target: M, source: M) -> None:
    """Copy the fields of `source` into `target`, so that the admin logs and links to the object a service created."""
    vars(target).update(vars(source))


class AppendOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are added through a service and never changed."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ConsentPolicy)
class ConsentPolicyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """There is one row. The admin history shows earlier choices."""

    list_display = ("__str__",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Every admin page asks this for its menu: query the row only on the policy's own pages.
        is_own_page = "consentpolicy" in request.path
        return super().has_add_permission(request) and is_own_page and not ConsentPolicy.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class CorrectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Corrects either the country or the birth month, with a reason."""

    country = forms.ChoiceField(label=capfirst(_("country")), required=False)
    month = forms.TypedChoiceField(
        label=capfirst(_("birth month")),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "–"), *MONTHS.items()],
    )
    year = forms.IntegerField(
        label=capfirst(_("birth year")), required=False, min_value=EARLIEST_BIRTH_YEAR, max_value=MAXYEAR
    )

    class Meta:
        model = Correction
        fields = ("teen", "reason")
        help_texts = {"reason": _("The family can read this. Keep it short, and don’t mention other people.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teens = self.fields.get("teen")
        if isinstance(teens, ModelChoiceField):
            teens.queryset = Person.objects.filter(role=Role.TEEN)
        choice = self.fields.get("country")
        if isinstance(choice, forms.ChoiceField):
            choice.choices = [("", "–"), *list_country_choices()]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        month, year = cleaned.get("month"), cleaned.get("year")
        if (month is None) != (year is None):
            self.add_error("year" if year is None else "month", _("Enter both the month and the year."))
        elif bool(cleaned.get("country")) == (month is not None):
            self.add_error(None, _("Correct the country or the month of birth, one at a time."))
        elif month is not None and year is not None:
            self._check_born(cleaned.get("teen"), date(year, month, 1))
        else:
            self._check_country(cleaned.get("teen"), cleaned["country"])
        return cleaned

    def _check_country(self, teen: Person | None, country: str) -> None:
        try:
            if teen:
                corrections.require_other_country(teen, country)
        except NothingToCorrect:
            self.add_error("country", _("That country is already saved. Choose another one."))

    def _check_born(self, teen: Person | None, born: date) -> None:
        try:
            corrections.require_old_enough(born)
            if teen:
                corrections.require_other_month(teen, born)
        except NothingToCorrect:
            self.add_error("month", _("That month is already saved. Choose another one."))
        except TooYoung:
            self.add_error("year", _("That would make them younger than 13. Delete the account instead."))


@admin.register(Correction)
class CorrectionAdmin(SafeAutocompleteAdmin[Correction], AppendOnlyAdmin):
    form = CorrectionForm
    fields = ("teen", "country", "month", "year", "reason")
    autocomplete_fields = ("teen",)
    list_display = ("at", "teen", "fact", "before", "after", "reason", "by")
    list_filter = ("fact",)
    list_select_related = ("teen", "by")
    search_fields = ("teen__username", "reason")

    def get_fields(self, request: HttpRequest, obj: Correction | None = None) -> tuple[str, ...]:
        return ("at", "teen", "fact", "before", "after", "reason", "by") if obj else self.fields

    def save_model(self, request: HttpRequest, obj: Correction, form: Any, change: bool) -> None:  # noqa: FBT001
        data, by = form.cleaned_data, get_staff(request)
        if data["country"]:
            correction = corrections.correct_country(
                teen=obj.teen, country=data["country"], reason=obj.reason, by=by
            )
        else:
            born = date(data["year"], data["month"], 1)
            correction = corrections.correct_birth_month(teen=obj.teen, born=born, reason=obj.reason, by=by)
        copy_into(obj, correction)


class LinkField(ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, link: Link) -> str:
        """Include the parent's email address, so that staff know where to write."""
        return f"{link.parent} ({link.parent.email or '–'}) – {link.teen}"


class ParentCheckForm(forms.ModelForm):  # type: ignore[type-arg]
    link = LinkField(
        label=capfirst(_("parent and teen")),
        queryset=Link.objects.filter(ended_at=None, check_of_parent=None).select_related("parent", "teen"),
    )

    class Meta:
        model = ParentCheck
        fields = ("link", "method")


@admin.register(ParentCheck)
class ParentCheckAdmin(AppendOnlyAdmin):
    """The form offers links without an approval; the list shows approvals."""

    form = ParentCheckForm
    fields = ("link", "method")
    list_display = ("at", "link", "method", "by")
    list_filter = ("method",)
    list_select_related = ("link__parent", "link__teen", "by")
    search_fields = ("link__parent__display_name", "link__parent__email", "link__teen__username")

    def get_fields(self, request: HttpRequest, obj: ParentCheck | None = None) -> tuple[str, ...]:
        return ("at", "link", "method", "by") if obj else self.fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super(AppendOnlyAdmin, self).has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ParentCheck, form: Any, change: bool) -> None:  # noqa: FBT001
        check = verification.approve_parent(
            link=obj.link, method=CheckMethod(obj.method), by=get_staff(request)
        )
        copy_into(obj, check)

    def delete_model(self, request: HttpRequest, obj: ParentCheck) -> None:
        verification.withdraw_approval(check=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ParentCheck]) -> None:
        for check in queryset.select_related("link__parent", "link__teen"):
            verification.withdraw_approval(check=check)
