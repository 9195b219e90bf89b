"""Texts for admins about models: prices, health, why a model is not used, and why a call failed."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference import errors
from kit.texts import parse_whole_number
from routing.breaker import Health
from routing.models import MICRODOLLARS, TutorModel, is_host_allowed

# What a call's cost and a price are rounded to.
COST_PLACES = 6


def format_dollars(microdollars: int) -> str:
    """Format an amount with as many decimals as it needs, and at least two: $0.15, $0.000012."""
    dollars = f"{microdollars / MICRODOLLARS:.{COST_PLACES}f}"
    places = max(2, len(dollars.rstrip("0").partition(".")[2]))
    return f"${number_format(dollars, decimal_pos=places, use_l10n=True)}"


def format_prices(model: TutorModel) -> str:
    """Format a model's prices in dollars per million tokens: input, cached input, output."""
    if model.prices.are_zero:
        return _("free")
    return _("%(input)s in, %(cached)s cached, %(output)s out") % {
        "input": format_dollars(model.input_price),
        "cached": format_dollars(model.cached_input_price),
        "output": format_dollars(model.output_price),
    }


def format_location(model: TutorModel) -> str:
    """Say where a model is: on this machine or network, or at which host."""
    if not model.base_url:
        return _("no address")
    return _("local (%(host)s)") % {"host": model.host} if model.is_local else model.host


def format_obstacle(model: TutorModel) -> str:
    """Say what in the environment keeps a model from being used; "" if nothing does."""
    if not model.base_url:
        return _("It has no address: TUTOR_BASE_URL is empty.")
    if not is_host_allowed(model.base_url):
        return _("The environment doesn’t allow its host: add %(host)s to TUTOR_HOSTS.") % {
            "host": model.host or model.base_url
        }
    if not model.has_key:
        return _("The environment has no variable %(name)s, or it is empty.") % {"name": model.key_variable}
    return ""


def format_health(model: TutorModel, health: Health, outage_began_at: datetime | None) -> str:
    """Say whether a model answers now, or why it is not used."""
    if obstacle := format_obstacle(model):
        return _("Not used. %(reason)s") % {"reason": obstacle}
    if not model.is_enabled:
        return _("not in use")
    if outage_began_at:
        began = timezone.localtime(outage_began_at)
        return _("out since %(when)s") % {"when": date_format(began, "SHORT_DATETIME_FORMAT")}
    if health.is_resting:
        return _("rests after failures")
    if health.is_on_probation:
        return _("is tried again after a rest")
    return _("answering")


FAILURES = {
    errors.ModelUnreachable: gettext_lazy("Its server can’t be reached, or it closed the connection."),
    errors.ModelBusy: gettext_lazy("Its server has too much to do now. Try again in a minute."),
    errors.ModelMisconfigured: gettext_lazy(
        "Its server failed, or the address, the model’s name or an extra field is wrong."
    ),
    errors.QuotaExceeded: gettext_lazy("The account at its provider has no quota or credit left."),
    errors.PromptTooLong: gettext_lazy(
        "Its server says that one short sentence is too long for its context."
    ),
    errors.ModelRefused: gettext_lazy("It refused to answer."),
    errors.AnswerFiltered: gettext_lazy("A filter of its provider cut the answer."),
    errors.AnswerEmpty: gettext_lazy("It ended without an answer."),
    errors.AnswerOnlyThinking: gettext_lazy(
        "It used all its tokens for thinking. Lower its reasoning effort with an extra field."
    ),
    errors.ModelTimeout: gettext_lazy("It was silent for too long."),
    errors.ModelResponseInvalid: gettext_lazy(
        "Its server sent something that isn’t an answer. Is this the address of an OpenAI-compatible API?"
    ),
}
# By the status of the response, which says more than the error.
STATUS_FAILURES = {
    401: gettext_lazy("Its server doesn’t accept the key."),
    403: gettext_lazy("Its server doesn’t allow this key to use the model."),
    404: gettext_lazy("Its server knows no such address or model."),
}
REDIRECTED = gettext_lazy(
    "Its server redirects to another address. Redirects are never followed: enter that address here, if the "
    "environment allows its host."
)
TOOK_TOO_LONG = gettext_lazy("The whole answer took too long.")


def format_failure(error: errors.ModelError) -> str:
    """Say in one sentence why a call failed. The server's own text is never repeated: it may contain the key."""
    status = parse_whole_number(str(error), below=1000) or 0
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's redirects
        return str(REDIRECTED)
    if isinstance(error, errors.ModelMisconfigured) and status in STATUS_FAILURES:
        return str(STATUS_FAILURES[status])
    return str(FAILURES.get(type(error), FAILURES[errors.ModelMisconfigured]))
