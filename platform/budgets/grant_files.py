"""Grants from a CSV file: read, previewed row by row, and given all or not at all, once.

A file is stored while an admin looks at its preview, so any process may give it. Its digest is of what its rows say, so
the same rows are recognized however the file was saved.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export import fields, resources, widgets
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import Result, RowResult
from tablib import Dataset, UnsupportedFormat
from tablib.exceptions import TablibException

from accounts.models import Person
from budgets.allowances import get_budgets
from budgets.costs import UNITS, Unit
from budgets.dollars import parse_dollars
from budgets.formatting import format_amounts, format_count
from budgets.grants import NewGrant, create_grants
from budgets.models import Grant, GrantBatch
from budgets.owner_budgets import OwnerBudget, read_owner_budgets
from budgets.until import Until, format_until, get_day_end, get_last_day
from kit.texts import normalize_line, parse_whole_number

COLUMNS = ("username", "tokens", "dollars", "until", "reason")
MAX_ROWS = 5000
MAX_REASON_LENGTH = 200
MAX_TOKENS = 2**62
# A file that was looked at and not given can be given for this long.
KEPT_FOR = timedelta(days=1)


class InvalidGrantFile(Exception):
    """A file from which no grant is given. `problems` are sentences, each with the number of its row if it has one."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class GrantFileAlreadyGiven(Exception):
    """The same rows have been given before; `batch` says when and by whom."""

    def __init__(self, batch: GrantBatch) -> None:
        super().__init__(batch.file_name)
        self.batch = batch


@dataclass
class GrantRow:
    """A row of a file as it was read."""

    username: str = ""
    tokens: int = 0
    microdollars: int = 0
    last_day: date | None = None
    reason: str = ""
    person: Person | None = None


class _TokensWidget(widgets.Widget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **_kwargs: Any) -> int:
        text = str(value or "").strip()
        if not text:
            return 0
        tokens = parse_whole_number(text, below=MAX_TOKENS + 1)
        if tokens is None:
            raise ValueError(_("Tokens are a whole number without separators, such as 5000."))
        return tokens


class _DollarsWidget(widgets.Widget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **_kwargs: Any) -> int:
        text = str(value or "").strip()
        try:
            return parse_dollars(text) if text else 0
        except ValidationError as error:
            # The resource collects ValueErrors, one for each column.
            raise ValueError(error.messages[0]) from error


class _LastDayWidget(widgets.Widget):  # type: ignore[misc]
    """The last day: a date as 2026-12-06, or a word for one."""

    def clean(self, value: Any, row: Any = None, **_kwargs: Any) -> date:
        text = str(value or "").strip().lower()
        today = timezone.localdate()
        if text in {Until.TODAY, Until.SUNDAY, Until.MONTH}:
            return get_last_day(Until(text), today)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ValueError(
                _("Until when? Write a date such as 2026-12-31, or today, sunday or month.")
            ) from None
        if day < today:
            raise ValueError(_("That day is over."))
        return day


class _ReasonWidget(widgets.Widget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **_kwargs: Any) -> str:
        reason = normalize_line(str(value or "")).strip()
        if not reason:
            raise ValueError(_("A reason is missing."))
        if len(reason) > MAX_REASON_LENGTH:
            raise ValueError(_("The reason is longer than 200 characters."))
        return reason


class GrantFileResource(resources.Resource):  # type: ignore[misc]
    """Reads a file's rows and finds what is wrong in each. Saves nothing: `give_file` gives all of them together."""

    username = fields.Field("username", "username", widgets.CharWidget())
    tokens = fields.Field("tokens", "tokens", _TokensWidget())
    dollars = fields.Field("microdollars", "dollars", _DollarsWidget())
    until = fields.Field("last_day", "until", _LastDayWidget())
    reason = fields.Field("reason", "reason", _ReasonWidget())

    class Meta:
        instance_loader_class = BaseInstanceLoader
        import_id_fields = ()
        skip_diff = True
        store_instance = True
        use_transactions = False

    def before_import(self, dataset: Dataset, **_kwargs: Any) -> None:
        """Find the people of all rows in one query."""
        names = {str(name or "").strip().lower() for name in dataset["username"]}
        people = (
            Person.objects.filter(is_active=True).annotate(lower=Lower("username")).filter(lower__in=names)
        )
        self.people = {person.username.lower(): person for person in people}

    def get_or_init_instance(self, _loader: Any, _row: Any) -> tuple[GrantRow, bool]:
        return GrantRow(), True

    def validate_instance(
        self,
        instance: GrantRow,
        import_validation_errors: Any = None,
        validate_unique: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        problems: dict[str, Any] = dict(import_validation_errors or {})
        name = instance.username.strip()
        instance.person = self.people.get(name.lower())
        if not name:
            problems["username"] = [_("A username is missing.")]
        elif instance.person is None:
            problems["username"] = [_("No one has the username “%(name)s”.") % {"name": name}]
        if (
            not {"tokens", "microdollars"} & problems.keys()
            and not instance.tokens
            and not instance.microdollars
        ):
            problems["tokens"] = [_("It gives neither tokens nor dollars.")]
        if problems:
            raise ValidationError(problems)

    def save_instance(self, *_args: Any, **_kwargs: Any) -> None:
        """Save nothing."""

    def save_m2m(self, *_args: Any, **_kwargs: Any) -> None:
        """Save nothing."""


@dataclass(frozen=True)
class GrantEffect:
    """What a row of a file does: whom it gives what, and what is left of their own budget before and after it."""

    number: int
    person: Person
    given: str
    left_before: str
    left_after: str
    until: str
    reason: str


@dataclass
class GrantFile:
    """A file whose rows can all be given."""

    rows: Sequence[GrantRow]
    digest: str
    content: str = ""
    totals: dict[Unit, int] = field(default_factory=dict)

    @property
    def total_text(self) -> str:
        given: dict[Unit, int | None] = {unit: amount or None for unit, amount in self.totals.items()}
        return format_amounts(given)


def read_grant_file(content: str) -> GrantFile:
    """Read a file. Dates are days in the active time zone. Raises InvalidGrantFile with what is wrong, by row."""
    dataset = _parse(content)
    # No dry run: the resource saves nothing, and a dry run takes two statements a row for its savepoints.
    result: Result = GrantFileResource().import_data(dataset, raise_errors=False, use_transactions=False)
    if problems := list(_list_problems(result)):
        raise InvalidGrantFile(problems)
    rows = [row.instance for row in result.rows]
    return GrantFile(
        rows=rows,
        digest=_compute_digest(rows),
        content=content,
        totals={unit: sum(getattr(row, unit) for row in rows) for unit in UNITS},
    )


def _parse(content: str) -> Dataset:
    try:
        first = content.lstrip("\ufeff").split("\n", 1)[0]
        # A spreadsheet of a country with decimal commas separates columns by semicolons.
        delimiter = ";" if first.count(";") > first.count(",") else ","
        dataset = Dataset().load(content.lstrip("\ufeff"), format="csv", delimiter=delimiter)
    except (TablibException, UnsupportedFormat, ValueError, IndexError) as error:
        raise InvalidGrantFile([_("This isn’t a CSV file with the same columns in every row.")]) from error
    headers = [str(header or "").strip().lower() for header in dataset.headers or []]
    if set(headers) != set(COLUMNS) or len(headers) != len(COLUMNS):
        raise InvalidGrantFile(
            [_("The first row has to name the columns: %(columns)s.") % {"columns": ", ".join(COLUMNS)}]
        )
    dataset.headers = headers
    if not len(dataset):
        raise InvalidGrantFile([_("The file has no rows.")])
    if len(dataset) > MAX_ROWS:
        raise InvalidGrantFile(
            [_("The file has more than %(count)s rows.") % {"count": format_count(MAX_ROWS)}]
        )
    return dataset


def _list_problems(result: Result) -> Iterable[str]:
    # The first row of a file has the names of the columns.
    for number, row in enumerate(result.rows, start=2):
        for text in _list_row_problems(row):
            yield _("Row %(number)s: %(problem)s") % {"number": format_count(number), "problem": text}


def _list_row_problems(row: RowResult) -> Iterable[str]:
    if row.validation_error is not None:
        yield from row.validation_error.messages
    for error in row.errors:
        yield str(error.error)


def _compute_digest(rows: Sequence[GrantRow]) -> str:
    said = [
        (row.person and row.person.pk, row.tokens, row.microdollars, str(row.last_day), row.reason)
        for row in rows
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def preview_rows(rows: Sequence[GrantRow], *, start: int = 0, count: int | None = None) -> list[GrantEffect]:
    """Return what rows do, one after the other: a person's second row adds to their first. Writes nothing."""
    people = {row.person.pk: row.person for row in rows if row.person}
    owner_budgets = read_owner_budgets(list(people.values()))
    left: dict[int, dict[Unit, int | None]] = {
        pk: _get_left(owner_budget) for pk, owner_budget in owner_budgets.items()
    }
    effects = []
    end = len(rows) if count is None else start + count
    for number, row in enumerate(rows[:end]):
        assert row.person  # noqa: S101 - of a file without problems
        before = left[row.person.pk]
        after = _add(before, row)
        left[row.person.pk] = after
        if number >= start:
            effects.append(_build_effect(number + 2, row, before, after))
    return effects


def _get_left(owner_budget: OwnerBudget) -> dict[Unit, int | None]:
    return {"tokens": owner_budget.status.tokens_left, "microdollars": owner_budget.status.microdollars_left}


def _add(left: Mapping[Unit, int | None], row: GrantRow) -> dict[Unit, int | None]:
    return {unit: None if (amount := left[unit]) is None else amount + getattr(row, unit) for unit in UNITS}


def _build_effect(
    number: int, row: GrantRow, before: Mapping[Unit, int | None], after: Mapping[Unit, int | None]
) -> GrantEffect:
    assert row.person  # noqa: S101 - of a file without problems
    assert row.last_day  # noqa: S101 - the same
    given: dict[Unit, int | None] = {unit: getattr(row, unit) or None for unit in UNITS}
    return GrantEffect(
        number=number,
        person=row.person,
        given=format_amounts(given),
        left_before=format_amounts(before),
        left_after=format_amounts(after),
        until=format_until(get_day_end(row.last_day, timezone.get_current_timezone())),
        reason=row.reason,
    )


@transaction.atomic
def keep_file(*, content: str, file_name: str, by: Person, now: datetime | None = None) -> GrantBatch:
    """Store a file for its preview. Raises InvalidGrantFile or GrantFileAlreadyGiven."""
    file = read_grant_file(content)
    _refuse_given(file.digest)
    return GrantBatch.objects.create(
        digest=file.digest,
        file_name=normalize_line(file_name)[:MAX_REASON_LENGTH] or "grants.csv",
        content=content,
        row_count=len(file.rows),
        uploaded_at=now or timezone.now(),
        by=by,
    )


def _refuse_given(digest: str) -> None:
    given = GrantBatch.objects.select_related("by").filter(digest=digest, given_at__isnull=False).first()
    if given:
        raise GrantFileAlreadyGiven(given)


def give_file(*, batch: GrantBatch, by: Person, now: datetime | None = None) -> list[Grant]:
    """Give every grant of a stored file, or none. A second call, or the same rows again, gives nothing.

    Raises InvalidGrantFile if a row can't be given any more, and GrantFileAlreadyGiven.
    """
    now = now or timezone.now()
    try:
        with transaction.atomic():
            return _give(batch, by, now)
    except IntegrityError:
        # Another process has given the same rows in this moment.
        _refuse_given(batch.digest)
        raise


def _give(batch: GrantBatch, by: Person, now: datetime) -> list[Grant]:
    batch = GrantBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.given_at:
        raise GrantFileAlreadyGiven(batch)
    file = read_grant_file(batch.content)
    # The rows may say other days by now: “sunday” of last week. They are given as they were shown, or not at all.
    if file.digest != batch.digest:
        raise InvalidGrantFile(
            [_("What the file means has changed since you looked at it. Upload it again.")]
        )
    _refuse_given(batch.digest)
    batch.given_at, batch.by, batch.content = now, by, ""
    batch.save(update_fields=["given_at", "by", "content"])
    people = {row.person.pk: row.person for row in file.rows if row.person}
    budgets = get_budgets(owners=list(people.values()))
    zone = timezone.get_current_timezone()
    return create_grants(
        new_grants=[
            NewGrant(
                budget=budgets[row.person.pk],
                tokens=row.tokens,
                microdollars=row.microdollars,
                expires_at=get_day_end(row.last_day, zone),
                reason=row.reason,
            )
            for row in file.rows
            if row.person and row.last_day
        ],
        by=by,
        batch=batch,
        now=now,
    )


def delete_expired_files(*, now: datetime | None = None) -> int:
    """Delete files that were stored for a preview and not given. Return how many."""
    before = (now or timezone.now()) - KEPT_FOR
    count, _rows = GrantBatch.objects.filter(given_at=None, uploaded_at__lt=before).delete()
    return count
