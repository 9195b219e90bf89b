"""Rows as CSV that a spreadsheet opens as what it is."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

# A spreadsheet runs what begins with one of these.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """Where csv writes: nowhere. It hands each line back."""

    def write(self, line: str) -> str:
        return line


def build_csv_response(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> StreamingHttpResponse:
    """A download of `name`.csv, sent as its rows are read."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    lines = _lines(columns, rows)
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    # Spreadsheets take a file without this mark for something older than UTF-8.
    yield "\ufeff" + writer.writerow(columns)
    for row in rows:
        yield writer.writerow(f"'{value}" if value.startswith(FORMULA_STARTS) else value for value in row)
