"""Read budgets: meters, statuses, plans and audits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import OuterRef, Q, Subquery
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.utils import timezone

from accounts.models import Person
from budgets.calendar import PeriodLength, compute_period_bounds
from budgets.costs import Unit
from budgets.models import (
    Audit,
    Budget,
    BudgetScope,
    Grant,
    Hold,
    HoldState,
    Plan,
    build_default_plan,
    default_daily_tokens,
)
from budgets.periods import OpenPeriod, forecast_period, list_latest_periods, list_live_grants
from kit.timed_cache import TimedCache

# A short question and answer with a little memory. The meter counts in these, so people need not know tokens.
SHORT_ANSWER_TOKENS = 500


@dataclass(frozen=True)
class SiteStop:
    """An admin has stopped the tutor: when, why and who. Everyone may read `reason`; `by` is for adults."""

    site: Budget

    @property
    def at(self) -> datetime:
        assert self.site.stopped_at  # noqa: S101 - of a stopped site
        return self.site.stopped_at

    @property
    def reason(self) -> str:
        return str(self.site.get_stop_reason_display())

    @property
    def by(self) -> Person | None:
        """The admin who stopped it; None if their account is deleted. The first reading is a query."""
        return self.site.stopped_by


def find_site_stop() -> SiteStop | None:
    """Return the site's emergency stop, or None while the tutor may answer."""
    sites = Budget.objects.select_related("stopped_by").filter(
        scope=BudgetScope.SITE, stopped_at__isnull=False
    )
    site = sites.first()
    return SiteStop(site) if site else None


@dataclass(frozen=True)
class Meter:
    """A person's budget in this period, in tokens. `granted` is None if there is no limit.

    `left` is what they can use now, which the family's or the site's budget may reduce. `scope` says whose budget
    has the least left, and `refills_at` (aware) when it refills.
    """

    granted: int | None
    spent: int
    held: int
    refills_at: datetime
    scope: BudgetScope = BudgetScope.PERSON
    outer_left: int | None = None
    # Set while an admin has stopped the tutor on the whole site.
    stop: SiteStop | None = None
    # How many answers an hour the person's plan gives before they get short; None means any number.
    answers_per_hour: int | None = None

    @property
    def left(self) -> int | None:
        """Tokens that can be used now, or None if there is no limit."""
        own = None if self.granted is None else self.granted - self.spent - self.held
        return min((left for left in (own, self.outer_left) if left is not None), default=None)

    @property
    def short_answers(self) -> int | None:
        """How many short answers are left, or None if there is no limit."""
        return None if self.left is None else max(0, self.left) // SHORT_ANSWER_TOKENS

    @property
    def fraction_left(self) -> float:
        """The fraction of the allowance that is left, 0 to 1; 1 without a limit."""
        if self.granted is None or self.left is None:
            return 1.0
        return self.left / self.granted if self.granted else 0.0


@dataclass(frozen=True)
class BudgetStatus:
    """The sums of one budget in its period. None means no limit."""

    scope: BudgetScope
    tokens_granted: int | None
    tokens_spent: int
    tokens_held: int
    microdollars_granted: int | None
    microdollars_spent: int
    microdollars_held: int
    refills_at: datetime

    @property
    def tokens_left(self) -> int | None:
        """Tokens left; None without a limit."""
        return _subtract(self.tokens_granted, self.tokens_spent, self.tokens_held)

    @property
    def microdollars_left(self) -> int | None:
        """Micro-dollars left; None without a limit."""
        return _subtract(self.microdollars_granted, self.microdollars_spent, self.microdollars_held)


def _subtract(granted: int | None, spent: int, held: int) -> int | None:
    return None if granted is None else granted - spent - held


def list_budget_statuses(*, owner: Person, now: datetime | None = None) -> Sequence[BudgetStatus]:
    """Return the status of the owner's budget and its parents, innermost first. Empty if the owner has no budget.

    Writes nothing: for a period that has not started yet, the status shows what it will grant.
    """
    own = Budget.objects.select_related("owner", "parent__parent").filter(owner=owner).first()
    if own is None:
        return ()
    # Use the caller's instance: its time zone may be newer than the database's.
    own.owner = owner
    return read_statuses(own.chain, now=now)


def read_statuses(budgets: Sequence[Budget], *, now: datetime | None = None) -> list[BudgetStatus]:
    """Return the status of each budget, in the same order."""
    now = now or timezone.now()
    latest = {period.budget.pk: period for period in list_latest_periods(budgets)}
    is_open = {pk for pk, period in latest.items() if period.rows[0].is_open(now)}
    grants: dict[int, list[Grant]] = {}
    if unopened := [budget for budget in budgets if budget.pk not in is_open]:
        for grant in list_live_grants(unopened):
            grants.setdefault(grant.budget_id, []).append(grant)
    return [
        _build_status(budget, latest.get(budget.pk), grants.get(budget.pk, ()), now) for budget in budgets
    ]


def _build_status(
    budget: Budget, opened: OpenPeriod | None, grants: Sequence[Grant], now: datetime
) -> BudgetStatus:
    if opened and opened.rows[0].is_open(now):
        granted_now = opened

        def granted(unit: Unit) -> int | None:
            return granted_now.sum("granted", unit) if granted_now.is_limited(unit) else None

        return BudgetStatus(
            scope=BudgetScope(budget.scope),
            tokens_granted=granted("tokens"),
            tokens_spent=opened.sum("spent", "tokens"),
            tokens_held=opened.sum("held", "tokens"),
            microdollars_granted=granted("microdollars"),
            microdollars_spent=opened.sum("spent", "microdollars"),
            microdollars_held=opened.sum("held", "microdollars"),
            refills_at=opened.ends_at,
        )
    following = forecast_period(budget, opened, now, grants=grants)
    return BudgetStatus(
        scope=BudgetScope(budget.scope),
        tokens_granted=None if budget.tokens is None else following.granted["tokens"],
        tokens_spent=0,
        tokens_held=0,
        microdollars_granted=None if budget.microdollars is None else following.granted["microdollars"],
        microdollars_spent=0,
        microdollars_held=0,
        refills_at=following.bounds.ends_at,
    )


def get_meter(*, owner: Person, now: datetime | None = None) -> Meter:
    """Return the owner's meter, limited by the budgets around theirs. Writes nothing."""
    now = now or timezone.now()
    # Together with the site's row while it is stopped, for people who have no budget yet.
    stopped = Q(scope=BudgetScope.SITE, stopped_at__isnull=False)
    own_budget, stop = None, None
    budgets = Budget.objects.select_related("owner", "plan", "parent__parent").annotate(
        free_pace=Subquery(Plan.objects.filter(slug=Plan.FREE).values("answers_per_hour")[:1])
    )
    for budget in budgets.filter(Q(owner=owner) | stopped):
        if budget.scope == BudgetScope.SITE:
            stop = SiteStop(budget)
        else:
            own_budget = budget
    if own_budget is None:
        free = Plan.objects.filter(slug=Plan.FREE).first()
        period_length = PeriodLength(free.period_length) if free else PeriodLength.DAY
        span = compute_period_bounds(now, owner.zone, period_length=period_length)
        granted = free.tokens if free else default_daily_tokens()
        return Meter(
            granted, 0, 0, span.ends_at, stop=stop, answers_per_hour=free.answers_per_hour if free else None
        )
    # Use the caller's instance: its time zone may be newer than the database's.
    own_budget.owner = owner
    chain = own_budget.chain
    statuses = read_statuses(chain, now=now)
    own, *outer = statuses
    limited = [status for status in statuses if status.tokens_left is not None]
    tightest = min(limited, key=lambda status: status.tokens_left or 0, default=own)
    lefts = [status.tokens_left for status in outer if status.tokens_left is not None]
    return Meter(
        granted=own.tokens_granted,
        spent=own.tokens_spent,
        held=own.tokens_held,
        refills_at=tightest.refills_at,
        scope=tightest.scope,
        outer_left=min(lefts, default=None),
        stop=stop,
        answers_per_hour=own_budget.plan.answers_per_hour if own_budget.plan else own_budget.free_pace,
    )


def get_plan(person: Person) -> Plan:
    """Return a person's plan, with its `model_ids`: Free unless an admin assigned another.

    The plan is unsaved if the plans are not loaded yet. A change of a plan in another process may go unnoticed for
    CACHE_SECONDS.
    """
    return find_plan(Budget.objects.filter(owner=person).values_list("plan", flat=True).first())


def build_plan_column() -> Subquery:
    """Return the id of a person's assigned plan as a column for a query of the person's row, for `find_plan`."""
    return Subquery(Budget.objects.filter(owner=OuterRef("pk")).values("plan")[:1])


def find_plan(plan_id: int | None) -> Plan:
    """Return the plan with this id, or else Free."""
    plans = _plans_cache.get()
    free = next((plan for plan in plans if plan.slug == Plan.FREE), None) or build_default_plan()
    return next((plan for plan in plans if plan.pk == plan_id), free)


def list_plan_names() -> dict[int | None, str]:
    """Return the name of each plan by its id. None, a person without an assigned plan, is Free."""
    return {None: find_plan(None).name, **{plan.pk: plan.name for plan in _plans_cache.get()}}


def list_comparable_plans(person: Person) -> list[Plan]:
    """Return a person's plan first, then Free and Pro, each once, with their `model_ids`.

    Other plans are an admin's arrangements with other people.
    """
    own = get_plan(person)
    comparable = {Plan.FREE, Plan.PRO} - {own.slug}
    return [own, *(plan for plan in _plans_cache.get() if plan.slug in comparable)]


def _read_plans() -> list[Plan]:
    ids = ArrayAgg("tutor_models", filter=Q(tutor_models__isnull=False), default=[])
    plans: list[Plan] = list(Plan.objects.annotate(ids=ids).order_by("pk"))
    for plan in plans:
        plan.model_ids = plan.ids  # type: ignore[attr-defined]
    return plans


# How long a change of a plan in another process may go unnoticed. What an answer may cost is the ledger's to check.
CACHE_SECONDS = 60.0
_plans_cache = TimedCache(_read_plans, seconds=CACHE_SECONDS)


def clear_plans_cache(**_sent: Any) -> None:
    """Read the plans again at the next question."""
    _plans_cache.clear()


def connect_signals() -> None:
    for signal in (post_save, post_delete):
        signal.connect(clear_plans_cache, Plan, dispatch_uid="budgets.clear_plans_cache")
    m2m_changed.connect(
        clear_plans_cache, Plan.tutor_models.through, dispatch_uid="budgets.clear_plans_cache"
    )


def count_open_holds() -> int:
    """Return the number of unresolved holds on the whole site."""
    return Hold.objects.filter(state=HoldState.HELD).count()


def find_latest_audit() -> Audit | None:
    """Return the latest audit, or None before the first."""
    return Audit.objects.order_by("at").last()
