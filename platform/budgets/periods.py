"""Open periods: starting them on first use, and setting what they grant.

A period of the site's budget has several rows (shards); every other period has one. The functions here take totals
for the whole period and split them among its rows, so that each row still covers what is spent and held in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import OuterRef, Subquery, Sum

from budgets.calendar import PeriodBounds, PeriodLength, compute_period_bounds
from budgets.costs import UNITS, Unit
from budgets.models import Budget, EntryKind, Grant, LedgerEntry, Period

MICROSECOND = timedelta(microseconds=1)
# Rows in one statement, for what concerns everyone on a plan or in a file.
BATCH_SIZE = 1000


def column_name(of: str, unit: Unit) -> str:
    """Return the column of a sum: `column_name("held", "microdollars")` is "held_microdollars"."""
    return of if unit == "tokens" else f"{of}_{unit}"


@dataclass(frozen=True)
class OpenPeriod:
    """One period of a budget, with its rows in shard order."""

    budget: Budget
    rows: Sequence[Period]

    @property
    def starts_at(self) -> datetime:
        return self.rows[0].starts_at

    @property
    def ends_at(self) -> datetime:
        return self.rows[0].ends_at

    @property
    def recheck_at(self) -> datetime:
        return self.rows[0].recheck_at

    def is_limited(self, unit: Unit) -> bool:
        return bool(getattr(self.rows[0], f"limits_{unit}"))

    def sum(self, of: str, unit: Unit) -> int:
        """Add up a column of all shards. `of` is "granted", "spent" or "held"; the result is in `unit`."""
        return sum(getattr(row, column_name(of, unit)) for row in self.rows)

    def used(self, unit: Unit) -> int:
        """Return what is spent plus what is held."""
        return self.sum("spent", unit) + self.sum("held", unit)

    def left(self, unit: Unit) -> int:
        """Return what is granted and neither spent nor held, in `unit`."""
        return self.sum("granted", unit) - self.used(unit)

    def compute_allowance(self) -> dict[Unit, int]:
        """Return what this period grants of its budget's allowance, in each unit. No limit grants 0."""
        natural = compute_period_bounds(
            self.starts_at, self.budget.zone, period_length=PeriodLength(self.budget.period_length)
        )
        bounds = PeriodBounds(self.starts_at, self.ends_at, natural.full_length)
        return _compute_allowance(self.budget, bounds, natural.starts_at)

    def set_granted(
        self,
        *,
        kind: EntryKind,
        at: datetime,
        totals: dict[Unit, int],
        grant: Grant | None = None,
        memo: str = "",
        shard_minimum: tuple[int, dict[Unit, int]] | None = None,
    ) -> None:
        """Set what the period grants in total, split among its rows, and record ledger entries.

        The rows must be locked or new. `shard_minimum` is a shard and what it must have left.
        """
        save_granted(
            self.plan_granted(
                kind=kind, at=at, totals=totals, grant=grant, memo=memo, shard_minimum=shard_minimum
            ),
            self.rows,
        )

    def plan_granted(
        self,
        *,
        kind: EntryKind,
        at: datetime,
        totals: dict[Unit, int],
        grant: Grant | None = None,
        memo: str = "",
        shard_minimum: tuple[int, dict[Unit, int]] | None = None,
    ) -> list[LedgerEntry]:
        """Do what `set_granted` does to the rows in memory, and return the entries. `save_granted` saves both."""
        targets = {unit: self._split(unit, totals[unit], shard_minimum) for unit in UNITS}
        entries: list[LedgerEntry] = []
        for number, row in enumerate(self.rows):
            changes = {
                unit: targets[unit][number] - getattr(row, column_name("granted", unit)) for unit in UNITS
            }
            if any(changes.values()):
                for unit in UNITS:
                    setattr(row, column_name("granted", unit), targets[unit][number])
                entries.append(
                    LedgerEntry(period=row, grant=grant, kind=kind, at=at, memo=memo, **changes),
                )
        return entries

    def _split(self, unit: Unit, total: int, shard_minimum: tuple[int, dict[Unit, int]] | None) -> list[int]:
        minimums = [0] * len(self.rows)
        if self.is_limited(unit):
            minimums = [
                sum(getattr(row, column_name(of, unit)) for of in ("spent", "held")) for row in self.rows
            ]
            if shard_minimum:
                minimums[shard_minimum[0]] += shard_minimum[1][unit]
        per_shard, remainder = divmod(total - sum(minimums), len(minimums))
        return [minimum + per_shard + (number < remainder) for number, minimum in enumerate(minimums)]


def save_granted(entries: Sequence[LedgerEntry], rows: Sequence[Period]) -> None:
    """Save the rows that `plan_granted` changed, of any number of periods, and its entries."""
    Period.objects.bulk_update(
        rows,
        ["granted", "granted_microdollars", "limits_tokens", "limits_microdollars"],
        batch_size=BATCH_SIZE,
    )
    LedgerEntry.objects.bulk_create(entries, batch_size=BATCH_SIZE)


def find_latest_period(budget: Budget, *, lock: bool = False) -> OpenPeriod | None:
    """Return a budget's latest period, which may be over, or None if it has had none."""
    last = Period.objects.filter(budget=budget).order_by("-starts_at").first()
    if last is None:
        return None
    rows = Period.objects.filter(budget=budget, starts_at=last.starts_at).order_by("shard")
    return OpenPeriod(budget, list(rows.select_for_update(no_key=True) if lock else rows))


def list_latest_periods(budgets: Sequence[Budget], *, lock: bool = False) -> list[OpenPeriod]:
    """Return the latest period of each budget that has had one, in one query. The budgets' rows must be locked too.

    Locks in the order of the budgets' ids, so the budgets must be of one scope.
    """
    latest = Period.objects.filter(budget=OuterRef("budget")).order_by("-starts_at").values("starts_at")[:1]
    rows = Period.objects.filter(budget__in=[budget.pk for budget in budgets], starts_at=Subquery(latest))
    rows = rows.order_by("budget", "shard")
    if lock:
        rows = rows.select_for_update(no_key=True)
    by_id = {budget.pk: budget for budget in budgets}
    return [
        OpenPeriod(by_id[budget_id], list(shards))
        for budget_id, shards in groupby(rows, key=lambda row: row.budget_id)
    ]


def ensure_open_period(budget: Budget, *, now: datetime, lock: bool) -> OpenPeriod:
    """Return a budget's period at `now`. Create it if needed, and withdraw expired grants.

    Must run in a transaction. For several budgets, call it in lock order: person, family, site.
    """
    last = find_latest_period(budget)
    if last is None or last.recheck_at <= now or len(last.rows) < budget.shards:
        # The budget's row is the lock: when several requests find the period over, only one starts the next.
        Budget.objects.select_for_update(no_key=True).get(pk=budget.pk)
        last = find_latest_period(budget, lock=True)
        if last is None or not last.rows[0].is_open(now):
            last = _start_period(budget, last, now)
        else:
            _add_missing_shards(last)
            withdraw_expired_grants(last, now)
    return (find_latest_period(budget, lock=True) if lock else None) or last


def _start_period(budget: Budget, last: OpenPeriod | None, now: datetime) -> OpenPeriod:
    if last:
        record_grant_use(last)
    after = last.ends_at if last else None
    bounds = compute_period_bounds(
        now, budget.zone, period_length=PeriodLength(budget.period_length), after=after
    )
    live = Grant.objects.filter(budget=budget, closed_at=None)
    live.filter(expires_at__lte=now).update(closed_at=now)
    grants = list(live.filter(expires_at__gt=now).order_by("expires_at", "pk"))
    rows = [
        Period(
            budget=budget,
            shard=shard,
            starts_at=bounds.starts_at,
            ends_at=bounds.ends_at,
            recheck_at=min([bounds.ends_at, *(grant.expires_at for grant in grants)]),
            limits_tokens=budget.tokens is not None,
            limits_microdollars=budget.microdollars is not None,
        )
        for shard in range(budget.shards)
    ]
    new_period = OpenPeriod(budget, Period.objects.bulk_create(rows))
    new_period.set_granted(kind=EntryKind.ALLOWANCE, at=now, totals=new_period.compute_allowance())
    for grant in grants:
        add_grant(new_period, grant, now)
    return new_period


def _compute_allowance(budget: Budget, bounds: PeriodBounds, natural_start: datetime) -> dict[Unit, int]:
    """Return what a period grants of an allowance: the whole, or less if it starts late.

    A period that starts late grants its part, and never more than earlier periods left of the allowance. So no
    sequence of plans, caps and zones gives more than one allowance.
    """
    allowance: dict[Unit, int] = {unit: bounds.prorate(getattr(budget, unit) or 0) for unit in UNITS}
    if bounds.starts_at > natural_start and any(allowance.values()):
        used = _sum_earlier_use(budget, since=natural_start, before=bounds.starts_at)
        for unit in UNITS:
            left = max(0, (getattr(budget, unit) or 0) - used[unit])
            allowance[unit] = min(allowance[unit], left)
    return allowance


def _sum_earlier_use(budget: Budget, *, since: datetime, before: datetime) -> dict[Unit, int]:
    """Sum what periods that started in this time have used of their allowances, without what grants paid for."""
    rows = Period.objects.filter(budget=budget, starts_at__gte=since, starts_at__lt=before)
    periods = [
        OpenPeriod(budget, list(shards))
        for _start, shards in groupby(rows.order_by("starts_at", "shard"), key=lambda row: row.starts_at)
    ]
    used: dict[Unit, int] = dict.fromkeys(UNITS, 0)
    if periods:
        given = sum_grants([row for period in periods for row in period.rows])
        for period in periods:
            for unit in UNITS:
                by_grants = sum(given[row.pk][unit] for row in period.rows)
                allowed = max(0, period.sum("granted", unit) - by_grants)
                use = period.used(unit)
                used[unit] += min(use, allowed) if period.is_limited(unit) else use
    return used


def sum_grants(rows: Iterable[Period]) -> dict[int, dict[Unit, int]]:
    """Return what grants add to each of these rows, by the row's id, in one query."""
    given: dict[int, dict[Unit, int]] = {row.pk: dict.fromkeys(UNITS, 0) for row in rows}
    entries = LedgerEntry.objects.filter(period__in=given, kind=EntryKind.GRANT)
    for row_id, tokens, microdollars in entries.values_list("period").annotate(
        tokens=Sum("tokens"), microdollars=Sum("microdollars")
    ):
        given[row_id] = {"tokens": tokens, "microdollars": microdollars}
    return given


def end_period(opened: OpenPeriod, *, now: datetime) -> OpenPeriod:
    """End an open period now and start the next, in the length that its budget has by now.

    The budget's row and the period's rows must be locked. Holds settle in the period in which they were made.
    """
    # A period is never empty, also if it began in this microsecond or on a machine whose clock is ahead.
    ends_at = min(opened.ends_at, max(now, opened.starts_at + MICROSECOND))
    for row in opened.rows:
        row.ends_at = row.recheck_at = ends_at
    Period.objects.bulk_update(opened.rows, ["ends_at", "recheck_at"])
    return _start_period(opened.budget, opened, max(now, ends_at))


def _add_missing_shards(opened: OpenPeriod) -> None:
    """Add shards to an open period that has fewer than the site's current number."""
    first = opened.rows[0]
    Period.objects.bulk_create(
        Period(
            budget=opened.budget,
            shard=shard,
            starts_at=first.starts_at,
            ends_at=first.ends_at,
            recheck_at=first.recheck_at,
            limits_tokens=first.limits_tokens,
            limits_microdollars=first.limits_microdollars,
        )
        for shard in range(len(opened.rows), opened.budget.shards)
    )


def add_grant(opened: OpenPeriod, grant: Grant, now: datetime) -> None:
    """Add what is left of a grant to a period. The rows must be locked or new."""
    totals: dict[Unit, int] = {
        unit: opened.sum("granted", unit) + getattr(grant, f"left_{unit}") for unit in UNITS
    }
    opened.set_granted(kind=EntryKind.GRANT, at=now, totals=totals, grant=grant)
    grant.counted_period_start = opened.starts_at
    grant.save(update_fields=["counted_period_start"])


def record_grant_use(finished: OpenPeriod) -> None:
    """Reduce each grant by what a finished period has used of it, and close a grant with nothing left."""
    grants = _list_counted_grants(finished)
    for grant, used in _compute_grant_use(finished, grants):
        for unit in UNITS:
            setattr(grant, f"left_{unit}", getattr(grant, f"left_{unit}") - used[unit])
        grant.counted_period_start = None
        grant.closed_at = None if grant.left_tokens or grant.left_microdollars else finished.ends_at
        grant.save(update_fields=["left_tokens", "left_microdollars", "counted_period_start", "closed_at"])


def withdraw_expired_grants(opened: OpenPeriod, now: datetime) -> int:
    """Remove the unused part of expired grants from an open period. Return how many grants ended.

    The period's rows must be locked. What is spent and held stays covered.
    """
    expired = 0
    while (first := next(iter(_list_counted_grants(opened)), None)) and first.expires_at <= now:
        [(_, used), *_rest] = _compute_grant_use(opened, _list_counted_grants(opened))
        totals: dict[Unit, int] = {
            unit: opened.sum("granted", unit) - getattr(first, f"left_{unit}") + used[unit] for unit in UNITS
        }
        opened.set_granted(kind=EntryKind.GRANT, at=now, totals=totals, grant=first, memo="It expired.")
        for unit in UNITS:
            setattr(first, f"left_{unit}", getattr(first, f"left_{unit}") - used[unit])
        first.counted_period_start, first.closed_at = None, now
        first.save(update_fields=["left_tokens", "left_microdollars", "counted_period_start", "closed_at"])
        expired += 1
    update_recheck_at(opened)
    return expired


def update_recheck_at(opened: OpenPeriod) -> None:
    """Set `recheck_at` to the period's end or its next grant's expiry. The rows must be locked."""
    recheck_at = min([opened.ends_at, *(grant.expires_at for grant in _list_counted_grants(opened))])
    for row in opened.rows:
        row.recheck_at = recheck_at
    Period.objects.bulk_update(opened.rows, ["recheck_at"])


@dataclass(frozen=True)
class NextPeriod:
    """The period that a budget's next hold would start, as it would be then. Nothing is stored."""

    bounds: PeriodBounds
    granted: dict[Unit, int]


def forecast_period(
    budget: Budget, last: OpenPeriod | None, now: datetime, *, grants: Sequence[Grant] | None = None
) -> NextPeriod:
    """Return what `_start_period` would start at `now`. `last` is the latest period, which is over at `now`.

    `grants` are the budget's grants that are not closed, in the order of `list_live_grants`; without, they are queried.
    """
    after = min(last.ends_at, max(now, last.starts_at + MICROSECOND)) if last else None
    bounds = compute_period_bounds(
        now, budget.zone, period_length=PeriodLength(budget.period_length), after=after
    )
    natural = compute_period_bounds(now, budget.zone, period_length=PeriodLength(budget.period_length))
    granted = _compute_allowance(budget, bounds, natural.starts_at)
    if grants is None:
        grants = list_live_grants([budget])
    counted = [grant for grant in grants if last and grant.counted_period_start == last.starts_at]
    used = {grant.pk: use for grant, use in _compute_grant_use(last, counted)} if last else {}
    for grant in grants:
        if grant.expires_at > now:
            for unit in UNITS:
                granted[unit] += getattr(grant, f"left_{unit}") - used.get(grant.pk, {}).get(unit, 0)
    return NextPeriod(bounds, granted)


def list_live_grants(budgets: Sequence[Budget]) -> list[Grant]:
    """Return the grants of these budgets that are not closed, in the order in which they are used."""
    ids = [budget.pk for budget in budgets if budget.pk]
    return list(Grant.objects.filter(budget__in=ids, closed_at=None).order_by("expires_at", "pk"))


def _list_counted_grants(opened: OpenPeriod) -> list[Grant]:
    counted = Grant.objects.filter(
        budget=opened.budget, counted_period_start=opened.starts_at, closed_at=None
    )
    return list(counted.order_by("expires_at", "pk"))


def _compute_grant_use(opened: OpenPeriod, grants: Sequence[Grant]) -> list[tuple[Grant, dict[Unit, int]]]:
    """Return how much of each grant a period uses. The allowance goes first, then grants by expiry."""
    over_allowance: dict[Unit, int] = {
        unit: opened.used(unit)
        - opened.sum("granted", unit)
        + sum(getattr(grant, f"left_{unit}") for grant in grants)
        if opened.is_limited(unit)
        else 0
        for unit in UNITS
    }
    uses = []
    for grant in grants:
        used: dict[Unit, int] = {}
        for unit in UNITS:
            used[unit] = max(0, min(over_allowance[unit], getattr(grant, f"left_{unit}")))
            over_allowance[unit] -= used[unit]
        uses.append((grant, used))
    return uses
