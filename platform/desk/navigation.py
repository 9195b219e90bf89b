"""The pages of the desk: what each is for, who may open it, and where it is in the menu. The one list of them.

A new page is a row here, a view with `desk.access.desk_page`, a path in `desk.urls`, a template that extends
`admin/desk/page_base.html`, and a row in tests/matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

type Text = str | Promise
type Reader = AbstractBaseUser | AnonymousUser


class DeskSection(Enum):
    """The parts of the menu, in their order. The values are their titles."""

    MONEY = _("Costs and budgets")
    EVENTS = _("Events")
    CARE = _("Care")
    CONTENT = _("Content")
    SITE = _("The site")


@dataclass(frozen=True, kw_only=True)
class DeskPage:
    """A page of the desk. `route` is its URL name; `explains` is a sentence for the list of jobs.

    Each of the `permissions` is needed; without one, all staff may open it. `parent` is the route of the page above it
    in the breadcrumbs. A page with a parent is not in the menu.
    """

    route: str
    title: Text
    permissions: Sequence[str] = ()
    section: DeskSection = DeskSection.SITE
    explains: Text = ""
    parent: str = ""

    @property
    def url(self) -> str:
        """The page's address. Only for a page without arguments."""
        return reverse(self.route)

    def is_open_to(self, reader: Reader) -> bool:
        """Return whether a member of staff may open the page."""
        return all(reader.has_perm(name) for name in self.permissions)  # type: ignore[union-attr]


# Costs, the forecast and the calculator.
COST_PAGES: Sequence[DeskPage] = (
    DeskPage(
        route="desk:costs",
        title=_("Costs"),
        permissions=("budgets.view_ledgerentry",),
        section=DeskSection.MONEY,
        explains=_("What the tutor cost: by day, model, plan, direction and memory."),
    ),
    DeskPage(
        route="desk:forecast",
        title=_("Forecast"),
        permissions=("budgets.view_ledgerentry",),
        section=DeskSection.MONEY,
        explains=_("What next month may cost, and what would change it most."),
    ),
)

# Plans, people, families, grants.
BUDGET_PAGES: Sequence[DeskPage] = (
    DeskPage(
        route="admin:budgets_budgetowner_changelist",
        title=_("People and allowances"),
        permissions=("budgets.view_budgetowner",),
        section=DeskSection.MONEY,
        explains=_("Find anyone, see what is left, give a plan or a grant."),
    ),
    DeskPage(
        route="admin:budgets_budget_near_edge",
        title=_("Who is near the edge"),
        permissions=("budgets.view_budget",),
        section=DeskSection.MONEY,
        explains=_("People and families with the smallest part left, by number."),
    ),
    DeskPage(
        route="admin:budgets_budget_site",
        title=_("The site’s budget"),
        permissions=("budgets.view_budget",),
        section=DeskSection.MONEY,
        explains=_("Its limit, how it goes down, its alerts."),
    ),
    DeskPage(
        route="admin:budgets_budget_changelist",
        title=_("Families’ budgets"),
        permissions=("budgets.view_budget",),
        section=DeskSection.MONEY,
        explains=_("What each family shares, and its limit."),
    ),
    DeskPage(
        route="admin:budgets_plan_changelist",
        title=_("Plans"),
        permissions=("budgets.view_plan",),
        section=DeskSection.MONEY,
        explains=_("What people get, and at which pace."),
    ),
    DeskPage(
        route="admin:budgets_grant_file",
        title=_("Grants from a file"),
        permissions=("budgets.add_grant",),
        section=DeskSection.MONEY,
        explains=_("Give many people something extra, all or none."),
    ),
    DeskPage(
        route="admin:budgets_budgetchange_changelist",
        title=_("What was changed"),
        permissions=("budgets.view_budgetchange",),
        section=DeskSection.MONEY,
        explains=_("Who changed a plan, an allowance or a grant, and when."),
    ),
    DeskPage(
        route="admin:budgets_budget_stop",
        title=_("Stop the tutor"),
        permissions=("budgets.change_budget",),
        section=DeskSection.MONEY,
        explains=_("At once, for everyone, with a reason. And start it again."),
    ),
)

SITE_PAGES: Sequence[DeskPage] = (
    DeskPage(
        route="desk:first_run",
        title=_("Set up the site"),
        permissions=("desk.manage_team",),
        section=DeskSection.SITE,
        explains=_("What is done, what is missing, and what keeps the tutor closed."),
    ),
    DeskPage(
        route="desk:team",
        title=_("The team"),
        permissions=("desk.manage_team",),
        section=DeskSection.SITE,
        explains=_("Who has which role. Invite a colleague, change roles, end them."),
    ),
    DeskPage(
        route="desk:member",
        title=_("Roles of a person"),
        permissions=("desk.manage_team",),
        parent="desk:team",
    ),
    DeskPage(
        route="desk:health",
        title=_("Health of every part"),
        section=DeskSection.SITE,
        explains=_("Ask the database, the broker, the worker and each model now."),
    ),
)

# Pages of other rooms that are jobs of the desk.
OTHER_PAGES: Sequence[DeskPage] = (
    DeskPage(
        route="admin:events_event_changelist",
        title=_("Events"),
        permissions=("events.view_event",),
        section=DeskSection.EVENTS,
        explains=_("Dates, sign-ups, messages to people, recordings."),
    ),
    DeskPage(
        route="admin:events_event_add",
        title=_("Add an event"),
        permissions=("events.add_event",),
        section=DeskSection.EVENTS,
        explains=_("It starts as a copy of the latest, and as a draft."),
    ),
    DeskPage(
        route="review:queue",
        title=_("Crises to review"),
        permissions=("safeguarding.review_incident",),
        section=DeskSection.CARE,
        explains=_("What waits for a reviewer, and what is open."),
    ),
    DeskPage(
        route="review:switch",
        title=_("Human review"),
        permissions=("safeguarding.add_humanreview",),
        section=DeskSection.CARE,
        explains=_("Record who reviews crises, or that no one does."),
    ),
    DeskPage(
        route="admin:courses_module_changelist",
        title=_("Module statistics"),
        permissions=("courses.view_module",),
        section=DeskSection.CONTENT,
        explains=_("How far people get, and which questions mislead."),
    ),
    DeskPage(
        route="admin:routing_tutormodel_changelist",
        title=_("Models"),
        permissions=("routing.view_tutormodel",),
        section=DeskSection.SITE,
        explains=_("Which models may answer, what they cost, and a trial of each."),
    ),
    DeskPage(
        route="admin:mail_email_changelist",
        title=_("Outbox"),
        permissions=("mail.view_email",),
        section=DeskSection.SITE,
        explains=_("Emails that wait, failed or came back."),
    ),
)

PAGES: Sequence[DeskPage] = (*COST_PAGES, *BUDGET_PAGES, *OTHER_PAGES, *SITE_PAGES)
_BY_ROUTE = {page.route: page for page in PAGES}


def get_page(route: str) -> DeskPage:
    """Return the page of a route. Raises KeyError."""
    return _BY_ROUTE[route]


def list_menu(reader: Reader) -> list[tuple[Text, list[DeskPage]]]:
    """Return the sections with the pages that this member of staff may open, without empty sections."""
    open_pages = [page for page in PAGES if not page.parent and page.is_open_to(reader)]
    menu = [
        (section.value, [page for page in open_pages if page.section is section]) for section in DeskSection
    ]
    return [(title, pages) for title, pages in menu if pages]


def list_breadcrumbs(page: DeskPage) -> list[dict[str, Any]]:
    """Return the pages above this one, outermost first, as title and address."""
    above: list[dict[str, Any]] = []
    parent = page.parent
    while parent:
        upper = get_page(parent)
        above.insert(0, {"title": upper.title, "url": upper.url})
        parent = upper.parent
    return above
