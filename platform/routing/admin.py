"""The admin of the tutor's models."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from routing.admin_pages import ModelPagesAdmin
from routing.breaker import HEALTHY, read_health, record_success
from routing.formatting import format_health, format_location, format_prices
from routing.forms import TutorModelForm
from routing.models import SETTINGS_FIELDS, Capability, TutorModel
from routing.registry import create_settings_model

FIELDSETS: Sequence[tuple[Any, Sequence[str]]] = (
    (None, ("name", "is_enabled", "position")),
    (_("Where it is"), ("base_url", "model_name", "key_variable")),
    (_("Prices"), ("input_price", "cached_input_price", "output_price")),
    (
        _("Limits"),
        ("context_tokens", "answer_tokens", "max_answers", "first_token_seconds", "next_token_seconds"),
    ),
    (_("How the tutor asks it"), ("prompt_profile", "capabilities", "extra_fields")),
)
# What stands for fields that would be shown as stored.
SHOWN_INSTEAD = {"key_variable": "", "input_price": "prices_shown", "capabilities": "capabilities_shown"}
SHOWN_INSTEAD |= dict.fromkeys(["cached_input_price", "output_price"], "")
# If one of these changes, another server or model is asked.
IDENTITY_FIELDS = {"base_url", "model_name", "key_variable"}


class TutorModelList(ChangeList):
    """The list, with the health of all its models from one round trip."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        health = read_health(row.pk for row in self.result_list)
        for row in self.result_list:
            row.health = health[row.pk]


@admin.register(TutorModel)
class TutorModelAdmin(ModelPagesAdmin):
    form = TutorModelForm
    list_display = (
        "name",
        "is_enabled",
        "health_shown",
        "position",
        "location",
        "prices_shown",
        "context_tokens",
        "max_answers",
    )
    ordering = ("position", "pk")
    change_form_template = "admin/routing/tutormodel/change_form.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TutorModelList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # The settings' model is created when it is first needed, which may be here.
        create_settings_model()
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TutorModel]:
        outages = self.model._meta.get_field("outages").related_model  # noqa: SLF001 - Django documents it
        is_open = outages._default_manager.filter(ended_at=None, declared_at__isnull=False)  # noqa: SLF001 - the same
        models: QuerySet[TutorModel] = super().get_queryset(request)
        return models.prefetch_related(Prefetch("outages", is_open.order_by("began_at"), "open_outages"))

    def get_fieldsets(self, request: HttpRequest, obj: TutorModel | None = None) -> Any:
        is_shown_only = obj is not None and obj.is_from_settings
        sets: list[tuple[Any, dict[str, Any]]] = []
        for title, fields in FIELDSETS:
            names = (
                [shown for name in fields if (shown := SHOWN_INSTEAD.get(name, name))]
                if is_shown_only
                else list(fields)
            )
            sets.append((title, {"fields": names}))
        if obj is not None:
            sets[0][1]["fields"].append("health_shown")
        if is_shown_only:
            sets[1][1]["description"] = _(
                "The model of the TUTOR_* variables: what can’t be changed here comes from the site’s environment."
            )
        return sets

    def get_readonly_fields(self, request: HttpRequest, obj: TutorModel | None = None) -> tuple[str, ...]:
        from_settings = SETTINGS_FIELDS if obj is not None and obj.is_from_settings else ()
        return ("health_shown", "prices_shown", "capabilities_shown", *from_settings)

    def has_delete_permission(self, request: HttpRequest, obj: TutorModel | None = None) -> bool:
        """A model in a plan stays: a plan that loses its last model would allow every model."""
        is_needed = obj is not None and (obj.is_from_settings or obj.plans.exists())
        return super().has_delete_permission(request, obj) and not is_needed

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Allow the deletion of a model with its outages, which no one may delete by themselves."""
        rows, counts, needed, protected = super().get_deleted_objects(objs, request)
        outages = self.model._meta.get_field("outages").related_model  # noqa: SLF001 - Django documents it
        return rows, counts, needed - {outages._meta.verbose_name}, protected  # noqa: SLF001 - the same

    def save_model(self, request: HttpRequest, obj: TutorModel, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if change and IDENTITY_FIELDS & set(form.changed_data):
            # The failures of another server or model say nothing of this one.
            record_success(obj.pk)

    @admin.display(description=_("where"))
    def location(self, model: TutorModel) -> str:
        return format_location(model)

    @admin.display(description=_("dollars per million tokens"))
    def prices_shown(self, model: TutorModel) -> str:
        return format_prices(model)

    @admin.display(description=_("capabilities"))
    def capabilities_shown(self, model: TutorModel) -> str:
        known = [str(one.label) for one in Capability if one in model.capabilities]
        return ", ".join(known) or "–"

    @admin.display(description=_("health"))
    def health_shown(self, model: TutorModel) -> str:
        health = getattr(model, "health", None) or read_health([model.pk]).get(model.pk, HEALTHY)
        outage = next(iter(getattr(model, "open_outages", ())), None)
        return format_health(model, health, outage.began_at if outage else None)
