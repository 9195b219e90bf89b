"""Open periods: starting them on first use, and setting what they grant.

A period of the site's budget has several rows (shards); every other period has one. The functions here take totals
for the whole period and split them among its rows, so that each row still covers what is spent and held in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from budgets.calendar import PeriodBounds, PeriodLength, compute_period_bounds
from budgets.costs import UNITS, Unit
from budgets.models import Budget, EntryKind, Grant, LedgerEntry, Period


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

    def prorate(self, allowance: int | None) -> int:
        """Return what this period grants of an allowance, less if it was cut short. No limit (None) grants 0."""
        period_length = PeriodLength(self.budget.period_length)
        full_length = compute_period_bounds(
            self.starts_at, self.budget.zone, period_length=period_length
        ).full_length
        return PeriodBounds(self.starts_at, self.ends_at, full_length).prorate(allowance or 0)

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
        Period.objects.bulk_update(
            self.rows, ["granted", "granted_microdollars", "limits_tokens", "limits_microdollars"]
        )
        LedgerEntry.objects.bulk_create(entries)

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


def find_latest_period(budget: Budget, *, lock: bool = False) -> OpenPeriod | None:
    """Return a budget's latest period, which may be over, or None if it has had none."""
    last = Period.objects.filter(budget=budget).order_by("-starts_at").first()
    if last is None:
        return None
    rows = Period.objects.filter(budget=budget, starts_at=last.starts_at).order_by("shard")
    return OpenPeriod(budget, list(rows.select_for_update(no_key=True) if lock else rows))


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
    totals: dict[Unit, int] = {unit: bounds.prorate(getattr(budget, unit) or 0) for unit in UNITS}
    new_period.set_granted(kind=EntryKind.ALLOWANCE, at=now, totals=totals)
    for grant in grants:
        add_grant(new_period, grant, now)
    return new_period


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
