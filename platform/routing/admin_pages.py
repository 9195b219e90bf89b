"""A model's extra admin pages: try it, save what was found, and proposed prices."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from inference.prices import FREE, Prices
from kit.rate_limits import RateLimited, format_rate_limited, mark_rate_limited
from routing.formatting import format_dollars, format_location, format_obstacle, format_prices
from routing.models import Capability, TutorModel
from routing.price_proposals import find_price_proposal
from routing.trials import TRIAL_SECONDS, TRIAL_TOKENS, Trial, try_model


class ModelPagesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Adds pages to a model's admin. All of them need the change permission."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., Any]] = {
            "try-it": self.try_it,
            "capabilities": self.capabilities,
            "prices": self.prices,
        }
        own = [
            path(
                f"<int:pk>/{route}",
                self.admin_site.admin_view(view),
                name=f"routing_tutormodel_{route.replace('-', '_')}",
            )
            for route, view in pages.items()
        ]
        return own + super().get_urls()

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def try_it(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the model a short question. A GET only says what that does."""
        model = self._get_model(request, pk)
        more: dict[str, object] = {
            "obstacle": format_obstacle(model),
            "location": format_location(model),
            "tokens": TRIAL_TOKENS,
            "seconds": round(TRIAL_SECONDS),
        }
        if request.method != "POST" or more["obstacle"]:
            return self._render_page(request, model, "try_it", _("Try it"), more)
        try:
            trial = try_model(model, by=request.user.pk)
        except RateLimited as error:
            more["refusal"] = format_rate_limited(error)
            return mark_rate_limited(self._render_page(request, model, "try_it", _("Try it"), more), error)
        self.log_change(request, model, _describe_trial(trial))
        more |= {"trial": trial, "rows": _list_rows(trial), "cost": format_dollars(trial.microdollars)}
        more["found"] = [(one.value, one.label, one in trial.capabilities) for one in Capability]
        return self._render_page(request, model, "try_it", _("Try it"), more)

    @method_decorator(require_POST)
    def capabilities(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save the capabilities that a trial found. Raises PermissionDenied for the model of the settings."""
        model = self._get_model(request, pk)
        if model.is_from_settings:
            raise PermissionDenied
        sent = set(request.POST.getlist("capabilities"))
        model.capabilities = [one.value for one in Capability if one.value in sent]
        model.save(update_fields=["capabilities"])
        self.log_change(
            request, model, f"Saved what a trial found: {', '.join(model.capabilities) or 'nothing'}."
        )
        messages.success(request, _("The capabilities were saved."))
        return redirect("admin:routing_tutormodel_change", pk)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def prices(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show proposed prices beside the current ones. A POST takes them over."""
        model = self._get_model(request, pk)
        proposal = find_price_proposal(model)
        if request.method == "POST" and proposal and not model.is_from_settings:
            prices = proposal.prices
            model.input_price, model.cached_input_price, model.output_price = (
                prices.input,
                prices.cached_input,
                prices.output,
            )
            model.save(update_fields=["input_price", "cached_input_price", "output_price"])
            self.log_change(request, model, f"Took over proposed prices: {prices}.")
            messages.success(
                request, _("The prices were taken over: %(prices)s.") % {"prices": format_prices(model)}
            )
            return redirect("admin:routing_tutormodel_change", pk)
        more = {
            "proposal": proposal,
            "rows": _list_prices(model.prices, proposal.prices if proposal else FREE),
        }
        return self._render_page(request, model, "prices", _("Proposed prices"), more)

    def _get_model(self, request: HttpRequest, pk: int) -> TutorModel:
        model = get_object_or_404(TutorModel, pk=pk)
        if not self.has_change_permission(request, model):
            raise PermissionDenied
        return model

    def _render_page(
        self, request: HttpRequest, model: TutorModel, name: str, title: str, more: Mapping[str, object]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "original": model,
            "has_change_permission": True,
            **more,
        }
        return TemplateResponse(request, f"admin/routing/tutormodel/{name}.html", context)


def _describe_trial(trial: Trial) -> str:
    """Describe a trial for the admin log, without any text of the model or its server."""
    ending = "answered" if trial.is_success else "failed"
    return f"Tried it: {ending}, {trial.tokens} tokens, {format_dollars(trial.microdollars)}."


def _list_prices(now: Prices, proposed: Prices) -> list[tuple[str, str, str]]:
    return [
        (_("Input"), format_dollars(now.input), format_dollars(proposed.input)),
        (_("Cached input"), format_dollars(now.cached_input), format_dollars(proposed.cached_input)),
        (_("Output"), format_dollars(now.output), format_dollars(proposed.output)),
    ]


def _list_rows(trial: Trial) -> list[tuple[str, list[str]]]:
    """List what a trial measured, a row for each figure with a column for each call."""
    calls = trial.calls
    unknown = "–"
    return [
        (
            _("Seconds to the first token"),
            [
                unknown if call.first_token_seconds is None else f"{call.first_token_seconds:.2f}"
                for call in calls
            ],
        ),
        (_("Seconds in all"), [f"{call.seconds:.2f}" for call in calls]),
        (_("Tokens of the prompt"), [str(call.prompt_tokens) for call in calls]),
        (_("of these, cached"), [str(call.cached_tokens) for call in calls]),
        (_("Tokens of the answer"), [str(call.answer_tokens) for call in calls]),
        (
            _("Who counted"),
            [_("the server") if call.is_reported else _("an estimate of this site") for call in calls],
        ),
        (_("Cost"), [format_dollars(call.microdollars) for call in calls]),
    ]
