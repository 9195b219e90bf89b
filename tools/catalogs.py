"""Extracts the messages of templates for Babel (`make messages`). Registered in pyproject.toml."""

from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from typing import IO, Any

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize


def of_template(
    file: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[tuple[Any, ...]]:
    """Yield one template's messages in Babel's format: line, function, messages and comments."""
    # Django turns its tags into calls of gettext, and all else into letters; no line of Python may be indented so.
    calls = templatize(file.read().decode())
    lines = "\n".join(line.strip() for line in calls.splitlines())
    yield from extract_python(BytesIO(lines.encode()), keywords, comment_tags, options)  # type: ignore[arg-type]
