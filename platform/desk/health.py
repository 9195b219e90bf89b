"""How each part of the site is: as last known, which costs next to nothing, or by asking each part now."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache as site_cache
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.turns.outages import list_outages
from guard import get_guard_version
from inference import loop
from inference.provider import check_provider
from kit.valkey import create_client
from mail.models import Email, EmailState
from pages.health import check_services, run_check
from routing.breaker import HEALTHY, read_health
from routing.formatting import format_health
from routing.models import TutorModel
from routing.registry import list_models

if TYPE_CHECKING:
    import redis

logger = logging.getLogger(__name__)

HEARTBEAT_KEY = "desk:heartbeat"
# The worker reports this often (config.settings.celery), and is late after three times that.
HEARTBEAT_SECONDS = 15
MAX_SILENCE = timedelta(seconds=3 * HEARTBEAT_SECONDS)
# An email that was due this long ago should have been sent.
MAX_EMAIL_DELAY = timedelta(minutes=10)


class PartState(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


STATE_LABELS: dict[PartState, str | Promise] = {
    PartState.GOOD: gettext_lazy("fine"),
    PartState.WARNING: gettext_lazy("look at this"),
    PartState.BAD: gettext_lazy("not working"),
}


@dataclass(frozen=True, kw_only=True)
class PartHealth:
    """One part: its name, its state, a sentence about it, and what to do if it isn't fine."""

    name: str
    state: PartState
    sentence: str
    fix: str = ""

    @property
    def state_label(self) -> str:
        return str(STATE_LABELS[self.state])


def record_heartbeat(*, now: datetime | None = None) -> None:
    """Note that beat, broker and worker work. The worker calls it every HEARTBEAT_SECONDS."""
    site_cache.set(HEARTBEAT_KEY, int((now or timezone.now()).timestamp()), timeout=24 * 60 * 60)


def list_known_health(*, now: datetime | None = None) -> list[PartHealth]:
    """Return the health of every part as last known, without asking a model or waiting for a worker.

    A part that cannot be looked at is reported as such, and keeps none of the others from the list.
    """
    now = now or timezone.now()
    looks: list[tuple[str, Callable[[], list[PartHealth]]]] = [
        (_("Queue"), lambda: [_look_at_broker()]),
        (_("Worker"), lambda: [_look_at_worker(now)]),
        (_("Models"), _look_at_models),
        (_("Email"), lambda: [_look_at_mail(now)]),
        (_("Guard"), lambda: [_look_at_guard()]),
    ]
    return [
        PartHealth(name=_("Database"), state=PartState.GOOD, sentence=_("It answers.")),
        *(part for name, look in looks for part in look_safely(name, look)),
    ]


def look_safely(name: str, look: Callable[[], list[PartHealth]]) -> list[PartHealth]:
    """Return what `look` finds, or that it failed. The log has the error."""
    try:
        return look()
    except Exception as error:
        logger.exception("The desk could not look at a part.")
        return [
            PartHealth(
                name=name,
                state=PartState.BAD,
                sentence=_("It can’t be looked at: %(error)s.") % {"error": type(error).__name__},
                fix=_("The site’s log has the whole error."),
            )
        ]


@cache
def _client(url: str) -> "redis.Redis":
    return create_client(url, seconds=0.5)


def _look_at_broker() -> PartHealth:
    _client(settings.VALKEY_URL).ping()
    return PartHealth(name=_("Queue"), state=PartState.GOOD, sentence=_("Valkey answers."))


def _look_at_worker(now: datetime) -> PartHealth:
    last = site_cache.get(HEARTBEAT_KEY)
    fix = _("Start a worker and the beat process, or look at their logs.")
    if last is None:
        return PartHealth(
            name=_("Worker"), state=PartState.BAD, sentence=_("It hasn’t reported for a day."), fix=fix
        )
    silence = now - datetime.fromtimestamp(last, tz=now.tzinfo)
    if silence <= MAX_SILENCE:
        sentence = _("It reported less than a minute ago.")
        return PartHealth(name=_("Worker"), state=PartState.GOOD, sentence=sentence)
    sentence = _("It hasn’t reported for %(time)s.") % {"time": timesince(now - silence, now, depth=1)}
    return PartHealth(name=_("Worker"), state=PartState.BAD, sentence=sentence, fix=fix)


def _look_at_models() -> list[PartHealth]:
    models = list_models()
    if not models:
        return [
            PartHealth(
                name=_("Models"),
                state=PartState.BAD,
                sentence=_("No model may answer."),
                fix=_("Add a model, or set TUTOR_BASE_URL and TUTOR_MODEL in the site’s environment."),
            )
        ]
    health = read_health(model.pk for model in models)
    outages = {outage.model_id: outage.began_at for outage in list_outages()}
    return [
        PartHealth(
            name=_("Model “%(name)s”") % {"name": model.name},
            state=_rate_model(began_at=outages.get(model.pk), is_healthy=health[model.pk].is_healthy),
            sentence=_capitalize(format_health(model, health.get(model.pk, HEALTHY), outages.get(model.pk))),
            fix="" if health[model.pk].is_healthy else _("Try it on its page, or look at its server."),
        )
        for model in models
    ]


def _rate_model(*, began_at: datetime | None, is_healthy: bool) -> PartState:
    if began_at:
        return PartState.BAD
    return PartState.GOOD if is_healthy else PartState.WARNING


def _capitalize(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _look_at_mail(now: datetime) -> PartHealth:
    late = Email.objects.filter(state=EmailState.WAITING, send_after__lt=now - MAX_EMAIL_DELAY).count()
    if not late:
        return PartHealth(name=_("Email"), state=PartState.GOOD, sentence=_("Nothing waits too long."))
    sentence = ngettext(
        "%(count)d email has waited for more than ten minutes.",
        "%(count)d emails have waited for more than ten minutes.",
        late,
    )
    fix = _("Look at the error in the outbox, and at EMAIL_URL in the site’s environment.")
    return PartHealth(name=_("Email"), state=PartState.BAD, sentence=sentence % {"count": late}, fix=fix)


def _look_at_guard() -> PartHealth:
    sentence = _("Version %(version)s is loaded.") % {"version": get_guard_version()}
    if settings.GUARD_PROVIDER:
        sentence += " " + _("A remote guard is used too.")
    return PartHealth(name=_("Guard"), state=PartState.GOOD, sentence=sentence)


def ask_every_part() -> list[PartHealth]:
    """Ask every part now, all at once: each has pages.health.CHECK_SECONDS to answer."""
    models = list_models()
    services, answers = loop.submit(_ask(models)).result()
    asked = [
        _describe_answer(str(SERVICE_NAMES[name]), status, fix=str(SERVICE_FIXES[name]))
        for name, status in services.items()
    ]
    asked += [
        _describe_answer(
            _("Model “%(name)s”") % {"name": model.name},
            status,
            fix=_("Start its server, or try it on its page."),
        )
        for model, status in zip(models, answers, strict=True)
    ]
    known = {_("Models"), _("Email"), _("Guard")} if not models else {_("Email"), _("Guard")}
    return asked + [part for part in list_known_health() if part.name in known]


async def _ask(models: Sequence[TutorModel]) -> tuple[dict[str, str], list[str]]:
    services, answers = await asyncio.gather(
        check_services(), asyncio.gather(*(run_check(check_provider(model.endpoint)) for model in models))
    )
    return services, answers


SERVICE_NAMES = {
    "database": gettext_lazy("Database"),
    "valkey": gettext_lazy("Queue"),
    "worker": gettext_lazy("Worker"),
}
SERVICE_FIXES = {
    "database": gettext_lazy("Look at the PostgreSQL server, and at DATABASE_URL."),
    "valkey": gettext_lazy("Look at the Valkey server, and at VALKEY_URL."),
    "worker": gettext_lazy("Start a worker and the beat process, or look at their logs."),
}


def _describe_answer(name: str, status: str, *, fix: str) -> PartHealth:
    if status == "ok":
        return PartHealth(name=name, state=PartState.GOOD, sentence=_("It answers."))
    sentence = (
        _("It gave no answer.") if status == "no answer" else _("It failed: %(error)s.") % {"error": status}
    )
    return PartHealth(name=name, state=PartState.BAD, sentence=sentence, fix=fix)


def has_problem(parts: Iterable[PartHealth]) -> bool:
    return any(part.state is not PartState.GOOD for part in parts)
