"""Typesetting of PDFs with Typst, as PDF/UA, so that a screen reader knows their order and language.

Texts are passed as data, never as markup, so that they are printed as they were typed.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

import typst

FONTS = Path(__file__).parent / "fonts"


def typeset(source: bytes, inputs: Mapping[str, str], *, on: date | None = None) -> bytes:
    """Return the PDF of a Typst source. The template reads `inputs` as `sys.inputs`.

    With a date `on`, which the file names as that of its making, the same inputs give the same bytes. Raises
    typst.TypstError, for instance for a character that is in none of the fonts.
    """
    compiler = typst.Compiler(source, font_paths=_load_fonts(), sys_inputs=dict(inputs))
    made_at = datetime.combine(on, time(), UTC) if on else None
    pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=made_at)
    assert isinstance(pdf, bytes)  # noqa: S101 - a PDF is one file; only pictures come in several
    return pdf


def can_typeset(text: str) -> bool:
    """Whether our fonts and Typst's own have every character of the text."""
    try:
        typeset(b'#set document(title: "-")\n#sys.inputs.text', {"text": text})
    except typst.TypstError:
        return False
    return True


def get_typst_language(language: str) -> str:
    """Return the language code of two or three letters that Typst expects."""
    return language.partition("-")[0]


@cache
def _load_fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=[FONTS])
