"""The period of a budget that is open: begun when it is first asked for, and what it grants.

A period of the site's is several rows, its shards; all others are one. What a period grants is said in all here,
and split among its rows so that each keeps what is spent and held in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from budgets.models import Budget, Entry, EntryKind, Grant, Period
from budgets.needs import WHATS, What
from budgets.spans import Length, Span, span_at


def column(of: str, what: What) -> str:
    """The name of a period's sum: `column("held", "microdollars")`."""
    return of if what == "tokens" else f"{of}_{what}"


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

    def is_limited(self, what: What) -> bool:
        return bool(getattr(self.rows[0], f"limits_{what}"))

    def sum(self, of: str, what: What) -> int:
        return sum(getattr(row, column(of, what)) for row in self.rows)

    def used(self, what: What) -> int:
        """What is spent and held."""
        return self.sum("spent", what) + self.sum("held", what)

    def left(self, what: What) -> int:
        return self.sum("granted", what) - self.used(what)

    def share_of(self, allowance: int | None) -> int:
        """What the budget's allowance grants this period; a limit that there is not grants nothing."""
        length = Length(self.budget.length)
        whole = span_at(self.starts_at, self.budget.zone, length=length).whole
        return Span(self.starts_at, self.ends_at, whole).share_of(allowance or 0)

    def grant_in_all(
        self,
        *,
        kind: EntryKind,
        at: datetime,
        totals: dict[What, int],
        grant: Grant | None = None,
        memo: str = "",
        wanted: tuple[int, dict[What, int]] | None = None,
    ) -> None:
        """Grant `totals`, split among the rows, and tell it. The rows must be locked, or new.

        `wanted` names a shard and what it must have left.
        """
        goals = {what: self._goals(what, totals[what], wanted) for what in WHATS}
        entries: list[Entry] = []
        for number, row in enumerate(self.rows):
            changes = {what: goals[what][number] - getattr(row, column("granted", what)) for what in WHATS}
            if any(changes.values()):
                for what in WHATS:
                    setattr(row, column("granted", what), goals[what][number])
                entries.append(
                    Entry(period=row, grant=grant, kind=kind, at=at, memo=memo, **changes),
                )
        Period.objects.bulk_update(
            self.rows, ["granted", "granted_microdollars", "limits_tokens", "limits_microdollars"]
        )
        Entry.objects.bulk_create(entries)

    def _goals(self, what: What, total: int, wanted: tuple[int, dict[What, int]] | None) -> list[int]:
        keeps = [0] * len(self.rows)
        if self.is_limited(what):
            keeps = [sum(getattr(row, column(of, what)) for of in ("spent", "held")) for row in self.rows]
            if wanted:
                keeps[wanted[0]] += wanted[1][what]
        each, odd = divmod(total - sum(keeps), len(keeps))
        return [keep + each + (number < odd) for number, keep in enumerate(keeps)]


def period_latest(budget: Budget, *, lock: bool = False) -> OpenPeriod | None:
    """A budget's last period, which may be over; None before its first."""
    last = Period.objects.filter(budget=budget).order_by("-starts_at").first()
    if last is None:
        return None
    rows = Period.objects.filter(budget=budget, starts_at=last.starts_at).order_by("shard")
    return OpenPeriod(budget, list(rows.select_for_update(no_key=True) if lock else rows))


def period_open(budget: Budget, *, now: datetime, lock: bool) -> OpenPeriod:
    """A budget's period of `now`, begun where it must be, without the grants that have expired.

    Must run in a transaction. Whoever asks for several budgets' asks in the order of their floors.
    """
    last = period_latest(budget)
    if last is None or last.open_until <= now or len(last.rows) < budget.shards:
        # The budget's row is the lock: of all that find the period over at once, one begins the next.
        Budget.objects.select_for_update(no_key=True).get(pk=budget.pk)
        last = period_latest(budget, lock=True)
        if last is None or not last.rows[0].is_open(now):
            last = _begin(budget, last, now)
        else:
            _widen(last)
            grants_take_back(last, now)
    return (period_latest(budget, lock=True) if lock else None) or last


def _begin(budget: Budget, last: OpenPeriod | None, now: datetime) -> OpenPeriod:
    if last:
        grants_book(last)
    after = last.ends_at if last else None
    span = span_at(now, budget.zone, length=Length(budget.length), after=after)
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
    shares: dict[What, int] = {what: span.share_of(getattr(budget, what) or 0) for what in WHATS}
    begun.grant_in_all(kind=EntryKind.GRANT, at=now, totals=shares)
    for grant in grants:
        grant_count(begun, grant, now)
    return begun


def _widen(opened: OpenPeriod) -> None:
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


def grant_count(opened: OpenPeriod, grant: Grant, now: datetime) -> None:
    """Add what is left of a grant to what a period grants. The rows must be locked, or new."""
    totals: dict[What, int] = {
        what: opened.sum("granted", what) + getattr(grant, f"left_{what}") for what in WHATS
    }
    opened.grant_in_all(kind=EntryKind.GIFT, at=now, totals=totals, grant=grant)
    grant.counted_in = opened.starts_at
    grant.save(update_fields=["counted_in"])


def grants_book(over: OpenPeriod) -> None:
    """Book what a period that is over has used of the grants that were counted into it."""
    grants = _counted(over)
    for grant, used in _uses(over, grants):
        for what in WHATS:
            setattr(grant, f"left_{what}", getattr(grant, f"left_{what}") - used[what])
        grant.counted_in = None
        grant.closed_at = None if grant.left_tokens or grant.left_microdollars else over.ends_at
        grant.save(update_fields=["left_tokens", "left_microdollars", "counted_in", "closed_at"])


def grants_take_back(opened: OpenPeriod, now: datetime) -> int:
    """Take what is left of expired grants out of an open period, whose rows must be locked. Returns how many.

    What is spent and held stays covered: only what nobody uses is taken.
    """
    expired = 0
    while (first := next(iter(_counted(opened)), None)) and first.expires_at <= now:
        [(_, used), *_rest] = _uses(opened, _counted(opened))
        totals: dict[What, int] = {
            what: opened.sum("granted", what) - getattr(first, f"left_{what}") + used[what] for what in WHATS
        }
        opened.grant_in_all(kind=EntryKind.GIFT, at=now, totals=totals, grant=first, memo="It expired.")
        for what in WHATS:
            setattr(first, f"left_{what}", getattr(first, f"left_{what}") - used[what])
        first.counted_in, first.closed_at = None, now
        first.save(update_fields=["left_tokens", "left_microdollars", "counted_in", "closed_at"])
        expired += 1
    open_until_set(opened)
    return expired


def open_until_set(opened: OpenPeriod) -> None:
    """Let holds be made until the period ends or its next grant expires. The rows must be locked."""
    open_until = min([opened.ends_at, *(grant.expires_at for grant in _counted(opened))])
    for row in opened.rows:
        row.open_until = open_until
    Period.objects.bulk_update(opened.rows, ["open_until"])


def _counted(opened: OpenPeriod) -> list[Grant]:
    counted = Grant.objects.filter(budget=opened.budget, counted_in=opened.starts_at, closed_at=None)
    return list(counted.order_by("expires_at", "pk"))


def _uses(opened: OpenPeriod, grants: Sequence[Grant]) -> list[tuple[Grant, dict[What, int]]]:
    """What a period uses of each grant: the allowance goes first, then the grant that expires first."""
    beyond: dict[What, int] = {
        what: opened.used(what)
        - opened.sum("granted", what)
        + sum(getattr(grant, f"left_{what}") for grant in grants)
        if opened.is_limited(what)
        else 0
        for what in WHATS
    }
    uses = []
    for grant in grants:
        used: dict[What, int] = {}
        for what in WHATS:
            used[what] = max(0, min(beyond[what], getattr(grant, f"left_{what}")))
            beyond[what] -= used[what]
        uses.append((grant, used))
    return uses
