"""The period of a budget that is open: begun when it is first asked for, and what it grants.

A period of the site's is several rows, its shards; all others are one. What a period grants is said in all here,
and split among its rows so that each keeps what is spent and held in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from budgets.calendar import PeriodBounds, PeriodLength, compute_period_bounds
from budgets.costs import UNITS, Unit
from budgets.models import Budget, EntryKind, Grant, LedgerEntry, Period


def column_name(of: str, unit: Unit) -> str:
    """The name of a period's sum: `column("held", "microdollars")`."""
    return of if unit == "tokens" else f"{of}_{unit}"


@dataclass(frozen=True)
class OpenPeriod:
    """One period of a budget: its rows, in the order of their shards."""

    budget: Budget
    rows: Sequence[Period]

    @property
    def starts_at(self) -> datetime:
        return self.rows[0].starts_at

    @property
    def ends_at(self) -> datetime:
        return self.rows[0].ends_at

    @property
    def open_until(self) -> datetime:
        return self.rows[0].open_until

    def is_limited(self, unit: Unit) -> bool:
        return bool(getattr(self.rows[0], f"limits_{unit}"))

    def sum(self, of: str, unit: Unit) -> int:
        return sum(getattr(row, column_name(of, unit)) for row in self.rows)

    def used(self, unit: Unit) -> int:
        """What is spent and held."""
        return self.sum("spent", unit) + self.sum("held", unit)

    def left(self, unit: Unit) -> int:
        return self.sum("granted", unit) - self.used(unit)

    def share_of(self, allowance: int | None) -> int:
        """What the budget's allowance grants this period; a limit that there is not grants nothing."""
        period_length = PeriodLength(self.budget.period_length)
        full_length = compute_period_bounds(
            self.starts_at, self.budget.zone, period_length=period_length
        ).full_length
        return PeriodBounds(self.starts_at, self.ends_at, full_length).share_of(allowance or 0)

    def set_granted(
        self,
        *,
        kind: EntryKind,
        at: datetime,
        totals: dict[Unit, int],
        grant: Grant | None = None,
        memo: str = "",
        wanted: tuple[int, dict[Unit, int]] | None = None,
    ) -> None:
        """Grant `totals`, split among the rows, and tell it. The rows must be locked, or new.

        `wanted` names a shard and what it must have left.
        """
        goals = {unit: self._goals(unit, totals[unit], wanted) for unit in UNITS}
        entries: list[LedgerEntry] = []
        for number, row in enumerate(self.rows):
            changes = {
                unit: goals[unit][number] - getattr(row, column_name("granted", unit)) for unit in UNITS
            }
            if any(changes.values()):
                for unit in UNITS:
                    setattr(row, column_name("granted", unit), goals[unit][number])
                entries.append(
                    LedgerEntry(period=row, grant=grant, kind=kind, at=at, memo=memo, **changes),
                )
        Period.objects.bulk_update(
            self.rows, ["granted", "granted_microdollars", "limits_tokens", "limits_microdollars"]
        )
        LedgerEntry.objects.bulk_create(entries)

    def _goals(self, unit: Unit, total: int, wanted: tuple[int, dict[Unit, int]] | None) -> list[int]:
        keeps = [0] * len(self.rows)
        if self.is_limited(unit):
            keeps = [
                sum(getattr(row, column_name(of, unit)) for of in ("spent", "held")) for row in self.rows
            ]
            if wanted:
                keeps[wanted[0]] += wanted[1][unit]
        each, odd = divmod(total - sum(keeps), len(keeps))
        return [keep + each + (number < odd) for number, keep in enumerate(keeps)]


def find_latest_period(budget: Budget, *, lock: bool = False) -> OpenPeriod | None:
    """A budget's last period, which may be over; None before its first."""
    last = Period.objects.filter(budget=budget).order_by("-starts_at").first()
    if last is None:
        return None
    rows = Period.objects.filter(budget=budget, starts_at=last.starts_at).order_by("shard")
    return OpenPeriod(budget, list(rows.select_for_update(no_key=True) if lock else rows))


def get_open_period(budget: Budget, *, now: datetime, lock: bool) -> OpenPeriod:
    """A budget's period of `now`, begun where it must be, without the grants that have expired.

    Must run in a transaction. Whoever asks for several budgets' asks in the order of their floors.
    """
    last = find_latest_period(budget)
    if last is None or last.open_until <= now or len(last.rows) < budget.shards:
        # The budget's row is the lock: of all that find the period over at once, one begins the next.
        Budget.objects.select_for_update(no_key=True).get(pk=budget.pk)
        last = find_latest_period(budget, lock=True)
        if last is None or not last.rows[0].is_open(now):
            last = _start_period(budget, last, now)
        else:
            _add_missing_shards(last)
            take_back_expired_grants(last, now)
    return (find_latest_period(budget, lock=True) if lock else None) or last


def _start_period(budget: Budget, last: OpenPeriod | None, now: datetime) -> OpenPeriod:
    if last:
        record_grant_use(last)
    after = last.ends_at if last else None
    span = compute_period_bounds(
        now, budget.zone, period_length=PeriodLength(budget.period_length), after=after
    )
    live = Grant.objects.filter(budget=budget, closed_at=None)
    live.filter(expires_at__lte=now).update(closed_at=now)
    grants = list(live.filter(expires_at__gt=now).order_by("expires_at", "pk"))
    rows = [
        Period(
            budget=budget,
            shard=shard,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            open_until=min([span.ends_at, *(grant.expires_at for grant in grants)]),
            limits_tokens=budget.tokens is not None,
            limits_microdollars=budget.microdollars is not None,
        )
        for shard in range(budget.shards)
    ]
    begun = OpenPeriod(budget, Period.objects.bulk_create(rows))
    shares: dict[Unit, int] = {unit: span.share_of(getattr(budget, unit) or 0) for unit in UNITS}
    begun.set_granted(kind=EntryKind.ALLOWANCE, at=now, totals=shares)
    for grant in grants:
        add_grant(begun, grant, now)
    return begun


def _add_missing_shards(opened: OpenPeriod) -> None:
    """Add the shards that an open period has too few of, since the site was given more."""
    first = opened.rows[0]
    Period.objects.bulk_create(
        Period(
            budget=opened.budget,
            shard=shard,
            starts_at=first.starts_at,
            ends_at=first.ends_at,
            open_until=first.open_until,
            limits_tokens=first.limits_tokens,
            limits_microdollars=first.limits_microdollars,
        )
        for shard in range(len(opened.rows), opened.budget.shards)
    )


def add_grant(opened: OpenPeriod, grant: Grant, now: datetime) -> None:
    """Add what is left of a grant to what a period grants. The rows must be locked, or new."""
    totals: dict[Unit, int] = {
        unit: opened.sum("granted", unit) + getattr(grant, f"left_{unit}") for unit in UNITS
    }
    opened.set_granted(kind=EntryKind.GRANT, at=now, totals=totals, grant=grant)
    grant.counted_in = opened.starts_at
    grant.save(update_fields=["counted_in"])


def record_grant_use(over: OpenPeriod) -> None:
    """Book what a period that is over has used of the grants that were counted into it."""
    grants = _list_counted_grants(over)
    for grant, used in _compute_grant_use(over, grants):
        for unit in UNITS:
            setattr(grant, f"left_{unit}", getattr(grant, f"left_{unit}") - used[unit])
        grant.counted_in = None
        grant.closed_at = None if grant.left_tokens or grant.left_microdollars else over.ends_at
        grant.save(update_fields=["left_tokens", "left_microdollars", "counted_in", "closed_at"])


def take_back_expired_grants(opened: OpenPeriod, now: datetime) -> int:
    """Take what is left of expired grants out of an open period, whose rows must be locked. Returns how many.

    What is spent and held stays covered: only what nobody uses is taken.
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
        first.counted_in, first.closed_at = None, now
        first.save(update_fields=["left_tokens", "left_microdollars", "counted_in", "closed_at"])
        expired += 1
    update_open_until(opened)
    return expired


def update_open_until(opened: OpenPeriod) -> None:
    """Let holds be made until the period ends or its next grant expires. The rows must be locked."""
    open_until = min([opened.ends_at, *(grant.expires_at for grant in _list_counted_grants(opened))])
    for row in opened.rows:
        row.open_until = open_until
    Period.objects.bulk_update(opened.rows, ["open_until"])


def _list_counted_grants(opened: OpenPeriod) -> list[Grant]:
    counted = Grant.objects.filter(budget=opened.budget, counted_in=opened.starts_at, closed_at=None)
    return list(counted.order_by("expires_at", "pk"))


def _compute_grant_use(opened: OpenPeriod, grants: Sequence[Grant]) -> list[tuple[Grant, dict[Unit, int]]]:
    """What a period uses of each grant: the allowance goes first, then the grant that expires first."""
    beyond: dict[Unit, int] = {
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
            used[unit] = max(0, min(beyond[unit], getattr(grant, f"left_{unit}")))
            beyond[unit] -= used[unit]
        uses.append((grant, used))
    return uses
