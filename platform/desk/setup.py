"""What an organization has to set up: one list of checks for the guide, `manage.py doctor` and the tutor itself.

While a required check has a problem, the tutor stays closed. A demo opens without an organization or a review of its
texts, as it is only for looking at (ADR 66).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Person
from budgets.allowances import get_site_budget
from budgets.models import UsageRecord
from budgets.selectors import find_plan
from desk.team import list_open_invitations, list_team
from events.selectors import find_next_event
from kit.email_addresses import validate_email_address
from routing.models import TutorModel
from routing.registry import list_models
from safeguarding.readiness import find_protocol_problems
from safeguarding.review import are_texts_reviewed

logger = logging.getLogger(__name__)

DEMO_DOMAIN = "localhost"
type Text = str | Promise


@dataclass(frozen=True, kw_only=True)
class SetupCheck:
    """One step of setting up: why it matters, how to find what is missing, and how to fix that.

    `find_problem` returns a sentence, or "" if nothing is missing. `find_url` returns where in the admin it is done.
    """

    name: str
    title: Text
    reason: Text
    done: Text
    fix: Text
    is_required: bool
    find_problem: Callable[[], str]
    find_url: Callable[[], str] = lambda: ""
    action: Text = ""


@dataclass(frozen=True, kw_only=True)
class SetupResult:
    """A check with what it found."""

    check: SetupCheck
    problem: str

    @property
    def is_done(self) -> bool:
        return not self.problem

    @property
    def keeps_closed(self) -> bool:
        """Whether the tutor can't open because of it."""
        return self.check.is_required and bool(self.problem)


def _find_organization_problem() -> str:
    if not settings.ORGANIZATION.strip():
        return _("The site doesn’t know the name of your organization.")
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if not address or address.rpartition("@")[2] == DEMO_DOMAIN:
        return _("Emails have no sender that people could answer: it is %(sender)s.") % {
            "sender": address or settings.DEFAULT_FROM_EMAIL or "–"
        }
    validate_email_address(address)
    return "" if name else _("The sender of emails has an address, but no name.")


def _find_plan_problem() -> str:
    return "" if find_plan(None).pk else _("There is no plan yet for people who sign up.")


def _find_model_problem() -> str:
    return "" if list_models() else _("No model may answer.")


def _find_trial_problem() -> str:
    tried = LogEntry.objects.filter(
        content_type__app_label=TutorModel._meta.app_label,  # noqa: SLF001 - Django documents it
        change_message__startswith="Tried it: answered",
    )
    if UsageRecord.objects.exists() or tried.exists():
        return ""
    return _("No model has answered here yet.")


def _find_review_problem() -> str:
    return "" if are_texts_reviewed() else _("No one has recorded that they reviewed the crisis texts.")


def _find_protocol_problem() -> str:
    return " ".join(find_protocol_problems())


def _find_limit_problem() -> str:
    if all(model.is_local for model in list_models()) or get_site_budget().microdollars is not None:
        return ""
    return _("A model costs money, and the site has no limit in dollars.")


def _find_event_problem() -> str:
    return "" if find_next_event() else _("No event is coming up.")


def _find_colleague_problem() -> str:
    if len(list_team().filter(is_active=True)[:2]) > 1 or list_open_invitations().exists():
        return ""
    return _("You are the only one who can run this site.")


def _find_second_step_problem() -> str:
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    with_step = Authenticator.objects.filter(type__in=kinds).values("user")
    without = Person.objects.filter(is_superuser=True, is_active=True).exclude(pk__in=with_step)
    names = ", ".join(str(person) for person in without[:5])
    return _("These owners sign in with a password alone: %(names)s.") % {"names": names} if names else ""


def _find_model_url() -> str:
    models = list_models()
    if not models:
        return reverse("admin:routing_tutormodel_add")
    return reverse("admin:routing_tutormodel_try_it", args=[models[0].pk])


CHECKS: Sequence[SetupCheck] = (
    SetupCheck(
        name="organization",
        title=gettext_lazy("Your organization and its address"),
        reason=gettext_lazy("Families want to know who runs this site, and need an address to write to."),
        done=gettext_lazy("People see your name, and can answer your emails."),
        fix=gettext_lazy(
            "Set ORGANIZATION to your name and DEFAULT_FROM_EMAIL to “Your name <info@example.org>” in the site’s "
            "environment, then start the site again."
        ),
        is_required=True,
        find_problem=_find_organization_problem,
    ),
    SetupCheck(
        name="second-step",
        title=gettext_lazy("A second step for signing in"),
        reason=gettext_lazy("A stolen password must not open the pages of the team."),
        done=gettext_lazy("Every owner has one."),
        fix=gettext_lazy("Set up an app with codes, or a passkey, on the page of the account."),
        is_required=False,
        find_problem=_find_second_step_problem,
        find_url=lambda: reverse("mfa_index"),
        action=gettext_lazy("Set up a second step"),
    ),
    SetupCheck(
        name="plan",
        title=gettext_lazy("A plan"),
        reason=gettext_lazy("It says how much each person may use."),
        done=gettext_lazy("People who sign up get the plan Free."),
        fix=gettext_lazy("Run: manage.py load_content"),
        is_required=True,
        find_problem=_find_plan_problem,
        find_url=lambda: reverse("admin:budgets_plan_changelist"),
        action=gettext_lazy("Look at the plans"),
    ),
    SetupCheck(
        name="limit",
        title=gettext_lazy("A limit for the whole site"),
        reason=gettext_lazy("Without one, a busy month can cost more than you have."),
        done=gettext_lazy("No model costs money, or the site has a limit."),
        fix=gettext_lazy("Give the site’s budget a limit in dollars."),
        is_required=False,
        find_problem=_find_limit_problem,
        find_url=lambda: reverse("admin:budgets_budget_site"),
        action=gettext_lazy("Set the limit"),
    ),
    SetupCheck(
        name="model",
        title=gettext_lazy("A model"),
        reason=gettext_lazy("It answers the questions."),
        done=gettext_lazy("A model may answer."),
        fix=gettext_lazy(
            "Set TUTOR_BASE_URL and TUTOR_MODEL in the site’s environment, or add a model whose host TUTOR_HOSTS names."
        ),
        is_required=True,
        find_problem=_find_model_problem,
        find_url=lambda: reverse("admin:routing_tutormodel_changelist"),
        action=gettext_lazy("Look at the models"),
    ),
    SetupCheck(
        name="trial",
        title=gettext_lazy("Try the model"),
        reason=gettext_lazy("Two short questions show whether it answers, how fast, and what it costs."),
        done=gettext_lazy("A model has answered."),
        fix=gettext_lazy("Choose Try it on the page of the model."),
        is_required=False,
        find_problem=_find_trial_problem,
        find_url=_find_model_url,
        action=gettext_lazy("Try it"),
    ),
    SetupCheck(
        name="review",
        title=gettext_lazy("A review of the crisis texts"),
        reason=gettext_lazy("Someone with training in crises reads what a teen would see, before one does."),
        done=gettext_lazy("The crisis texts were reviewed."),
        fix=gettext_lazy(
            "Set CRISIS_TEXTS_REVIEW to the reviewer and the date, as in “Dr A. Name, 2026-11-22”, and start the site "
            "again."
        ),
        is_required=True,
        find_problem=_find_review_problem,
    ),
    SetupCheck(
        name="protocol",
        title=gettext_lazy("The protocol and the help lines"),
        reason=gettext_lazy("They must answer before the tutor does. In some places that is the law."),
        done=gettext_lazy("Both pages answer in every language."),
        fix=gettext_lazy("Restore the page or its file. The tutor opens by itself within a minute."),
        is_required=True,
        find_problem=_find_protocol_problem,
        find_url=lambda: reverse("safeguarding:protocol"),
        action=gettext_lazy("Read the protocol"),
    ),
    SetupCheck(
        name="event",
        title=gettext_lazy("A first event"),
        reason=gettext_lazy("It brings the first families."),
        done=gettext_lazy("An event is coming up."),
        fix=gettext_lazy("Add an event and publish it."),
        is_required=False,
        find_problem=_find_event_problem,
        find_url=lambda: reverse("admin:events_event_add"),
        action=gettext_lazy("Add an event"),
    ),
    SetupCheck(
        name="colleague",
        title=gettext_lazy("A colleague"),
        reason=gettext_lazy("If you lose your account, someone else can still run the site."),
        done=gettext_lazy("Someone else is on the team, or invited."),
        fix=gettext_lazy("Invite someone by email."),
        is_required=False,
        find_problem=_find_colleague_problem,
        find_url=lambda: reverse("desk:team") + "#invite",
        action=gettext_lazy("Invite a colleague"),
    ),
)
# The required checks that no other room makes when the tutor opens. They are cheap: it asks for each question.
OPENING_CHECKS = (_find_organization_problem, _find_plan_problem, _find_model_problem)


def check_setup() -> list[SetupResult]:
    """Make every check, in the order of the guide. One that fails counts as a problem."""
    return [SetupResult(check=check, problem=_find_safely(check)) for check in CHECKS]


def _find_safely(check: SetupCheck) -> str:
    try:
        return check.find_problem()
    except Exception as error:
        logger.exception("The check “%s” failed.", check.name)
        return _("This can’t be checked: %(error)s.") % {"error": type(error).__name__}


def is_set_up() -> bool:
    """Return whether nothing that only this room checks keeps the tutor closed. Always in a demo."""
    return bool(settings.DEMO) or not any(find_problem() for find_problem in OPENING_CHECKS)
