"""A person's data as a zip: a JSON file for each data kind, and an HTML page to read.

Rows are streamed from the database through the compressor to disk: memory holds a few rows and buffers, however much
the person has written (benchmarks/export.py, ADR 12).
"""

import errno
import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.template import loader
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from kit.person import Person
from privacy import registry
from privacy.registry import DataKind, Row, RowValue

# Bigger files go to an unnamed file on disk, which is deleted when it is closed.
MAX_IN_MEMORY_BYTES = 256 * 1024
# How many exports a web process builds or sends at a time. Each has two files, so together they need at most twice
# this many times the file size limit in docker-compose.yml.
MAX_CONCURRENT_EXPORTS = 4
_DISK_FULL_ERRORS = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


class ExportCapacityExceeded(Exception):
    """Too many exports are running, or the disk is full."""


class _ExportFile(SpooledTemporaryFile[bytes]):
    """The file of one export. Holds a slot until it is closed. Raises ExportCapacityExceeded if none is free."""

    _slots = BoundedSemaphore(MAX_CONCURRENT_EXPORTS)
    _has_slot = False

    def __init__(self) -> None:
        super().__init__(max_size=MAX_IN_MEMORY_BYTES)
        if not self._slots.acquire(blocking=False):
            self.close()
            raise ExportCapacityExceeded
        self._has_slot = True

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        super().close()
        if self._has_slot:
            self._has_slot = False
            self._slots.release()


@transaction.atomic
def build_archive(
    *, person: Person, teens: Sequence[Person] = (), now: datetime | None = None
) -> SpooledTemporaryFile[bytes]:
    """Build the zip with a person's data and return it, positioned at its start. The caller closes it.

    A folder for each of `teens` holds their data that is not private: a parent's export has none of their
    conversations.

    The zip is complete before a byte is sent: an error gives an error page and not half a file, and a slow download
    holds no database connection. File names come from the data kinds, never from what a person typed.

    Raises ExportCapacityExceeded.
    """
    created_at = now or timezone.now()
    spool = _ExportFile()
    try:
        with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as archive:
            writer = _ArchiveWriter(archive, created_at.astimezone(person.zone))
            writer.write(person, registry.list_kinds(), teens=teens)
            for number, teen in enumerate(teens, start=1):
                writer.write(teen, registry.list_kinds(for_parent=True), folder=f"teen-{number}/")
    except BaseException as error:
        spool.close()
        if isinstance(error, OSError) and error.errno in _DISK_FULL_ERRORS:
            raise ExportCapacityExceeded from error
        raise
    spool.seek(0)
    return spool


@dataclass(frozen=True)
class _ArchiveWriter:
    archive: zipfile.ZipFile
    created_at: datetime

    def write(
        self, person: Person, kinds: Sequence[DataKind], *, folder: str = "", teens: Sequence[Person] = ()
    ) -> None:
        with SpooledTemporaryFile[bytes](max_size=MAX_IN_MEMORY_BYTES) as page:
            _write_page_part(
                page,
                "head",
                person=person,
                created_at=_format_value(self.created_at, person.zone),
                teens=teens,
            )
            for kind in reversed(kinds):
                with self._open_member(f"{folder}{kind.name}.json") as out:
                    _write_kind(kind, person, out, page)
            _write_page_part(page, "foot")
            page.seek(0)
            with self._open_member(f"{folder}index.html") as out:
                shutil.copyfileobj(page, out)

    def _open_member(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, self.created_at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        return self.archive.open(info, "w", force_zip64=True)


def _write_kind(kind: DataKind, person: Person, out: IO[bytes], page: IO[bytes]) -> None:
    """Write a kind's rows to its file and to the page in one pass, so that both have the same data."""
    _write_page_part(page, "kind", kind=kind)
    entry = loader.get_template("data/archive/row.html")
    separator = "[\n"
    for row in kind.export(person):
        out.write(f"{separator}{json.dumps(_to_json_row(row, person.zone), ensure_ascii=False)}".encode())
        page.write(entry.render({"facts": list(_list_facts(kind, row, person.zone))}).encode())
        separator = ",\n"
    is_empty = separator == "[\n"
    out.write(b"[]\n" if is_empty else b"\n]\n")
    _write_page_part(page, "end", is_empty=is_empty)


def _write_page_part(page: IO[bytes], part: str, **context: Any) -> None:
    page.write(loader.render_to_string(f"data/archive/{part}.html", context).encode())


def _to_json_row(row: Row, zone: ZoneInfo) -> dict[str, object]:
    return {key: _to_json_value(value, zone) for key, value in row.items()}


def _to_json_value(value: RowValue, zone: ZoneInfo) -> object:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _list_facts(kind: DataKind, row: Row, zone: ZoneInfo) -> Iterator[tuple[registry.StrOrPromise, str]]:
    """Yield label and text of each value in a row. Empty values are left out."""
    for key, value in row.items():
        if text := _format_value(value, zone):
            yield kind.labels[key], text


def _format_value(value: RowValue, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(value.astimezone(zone), "DATETIME_FORMAT")
    if isinstance(value, date):
        return date_format(value, "DATE_FORMAT")
    return "\n".join(value) if isinstance(value, list) else str(value)
