"""Somebody's data as one zip: a JSON file for each kind, and a page to read in any browser.

Rows go from the database's cursor through the compressor onto the disk: what is in memory at a time is a few
rows and the buffers, however much somebody has written (benchmarks/export.py, ADR 12).
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

# What is bigger lies on the disk, in a file without a name that goes when it is closed.
IN_MEMORY = 256 * 1024
# Copies that one web process makes or sends at a time, of two files each. With the size that docker-compose.yml allows
# a file, this is the size of the disk that they lie on.
MAX_CONCURRENT_EXPORTS = 4
_DISK_FULL_ERRORS = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


class ExportCapacityExceeded(Exception):
    """As many copies as may be are being made or sent, or the disk that they lie on is full."""


class _ExportFile(SpooledTemporaryFile[bytes]):
    """The file of one copy, which has one of the places until it is closed. Raises NoRoomForCopy when none is free."""

    _places = BoundedSemaphore(MAX_CONCURRENT_EXPORTS)
    _has_place = False

    def __init__(self) -> None:
        super().__init__(max_size=IN_MEMORY)
        if not self._places.acquire(blocking=False):
            self.close()
            raise ExportCapacityExceeded
        self._has_place = True

    def __exit__(self, *fault: object) -> None:
        self.close()

    def close(self) -> None:
        super().close()
        if self._has_place:
            self._has_place = False
            self._places.release()


@transaction.atomic
def build_archive(
    *, person: Person, teens: Sequence[Person] = (), now: datetime | None = None
) -> SpooledTemporaryFile[bytes]:
    """Write the zip of everything that is kept about `person`, and return it at its beginning.

    Of each of `teens` it holds, in a folder, what is not private: a parent's copy leaves their chats out.

    It is whole before anybody is sent a byte: a fault is an error page and no half file, and a slow line holds
    no connection of the database. The caller closes it.
    Names of files are the kinds' own; nothing that a person typed becomes one. Raises NoRoomForCopy.
    """
    made_at = now or timezone.now()
    spool = _ExportFile()
    try:
        with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as archive:
            about = _ArchiveWriter(archive, made_at.astimezone(person.zone))
            about.write(person, registry.list_kinds(), teens=teens)
            for number, teen in enumerate(teens, start=1):
                about.write(teen, registry.list_kinds(for_parent=True), folder=f"teen-{number}/")
    except BaseException as fault:
        spool.close()
        if isinstance(fault, OSError) and fault.errno in _DISK_FULL_ERRORS:
            raise ExportCapacityExceeded from fault
        raise
    spool.seek(0)
    return spool


@dataclass(frozen=True)
class _ArchiveWriter:
    archive: zipfile.ZipFile
    made_at: datetime

    def write(
        self, person: Person, kinds: Sequence[DataKind], *, folder: str = "", teens: Sequence[Person] = ()
    ) -> None:
        with SpooledTemporaryFile[bytes](max_size=IN_MEMORY) as page:
            _write_page_part(
                page, "head", person=person, made_at=_format_value(self.made_at, person.zone), teens=teens
            )
            for kind in reversed(kinds):
                with self._member(f"{folder}{kind.name}.json") as out:
                    _write_kind(kind, person, out, page)
            _write_page_part(page, "foot")
            page.seek(0)
            with self._member(f"{folder}index.html") as out:
                shutil.copyfileobj(page, out)

    def _member(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, self.made_at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        return self.archive.open(info, "w", force_zip64=True)


def _write_kind(kind: DataKind, person: Person, out: IO[bytes], page: IO[bytes]) -> None:
    """Write a kind's rows to its file and to the page, in one pass: the two cannot tell of different moments."""
    _write_page_part(page, "kind", kind=kind)
    entry = loader.get_template("data/archive/row.html")
    before = "[\n"
    for row in kind.export(person):
        out.write(f"{before}{json.dumps(_to_json_row(row, person.zone), ensure_ascii=False)}".encode())
        page.write(entry.render({"facts": list(_list_facts(kind, row, person.zone))}).encode())
        before = ",\n"
    is_empty = before == "[\n"
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
    """What a row says, in its labels' words. What it says nothing of is left out."""
    for key, value in row.items():
        if said := _format_value(value, zone):
            yield kind.labels[key], said


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
