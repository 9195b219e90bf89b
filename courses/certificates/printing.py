"""A certificate as a PDF. The layout is in certificate.typ."""

import json
from functools import cache
from pathlib import Path

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from courses.models import Certificate
from kit.typesetting import get_typst_language, typeset

FOLDER = Path(__file__).parent
# The site's light colors; its drawings have none of their own.
DRAWING_STYLE = ".lit{stroke:#1f4ea3}.glow{fill:#f6e6b4;stroke:none}.solid{fill:#ffffff}"


def render_certificate_pdf(certificate: Certificate) -> bytes:
    """Return the certificate as a one-page PDF for A4 and Letter.

    Deterministic: the same certificate gives the same bytes.
    """
    with translation.override(certificate.language):
        words = _build_texts(certificate)
    inputs = {
        "words": json.dumps(words),
        "drawing": _render_drawing(),
        "language": get_typst_language(certificate.language),
    }
    return typeset((FOLDER / "certificate.typ").read_bytes(), inputs, on=certificate.issued_on)


@cache
def _render_drawing() -> str:
    """Return the table drawing of the home page as a standalone SVG."""
    drawn = render_to_string("drawings/table.html")
    svg = drawn[drawn.index("<svg") :]
    head, body = svg.split(">", 1)
    svg_start = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" color="#1b2433"', 1)
    return f"{svg_start}><style>{DRAWING_STYLE}</style>{body}"


def _build_texts(certificate: Certificate) -> dict[str, str]:
    """Return all texts of the certificate, in the language of the module."""
    lessons_text = ngettext("%(count)d lesson", "%(count)d lessons", certificate.lessons)
    questions_text = ngettext("%(count)d question", "%(count)d questions", certificate.questions)
    day = date_format(certificate.issued_on, "DATE_FORMAT")
    done_text = _(
        "Everything in it was finished by %(day)s: %(lessons)s read, %(questions)s answered, alone or "
        "with someone at home."
    )
    return {
        "heading": _("Module finished"),
        "name": certificate.name,
        "title": certificate.title,
        "done": done_text
        % {
            "day": day,
            "lessons": lessons_text % {"count": certificate.lessons},
            "questions": questions_text % {"count": certificate.questions},
        },
        "day_label": _("Issued on"),
        "day": day,
        "edition_label": _("Edition"),
        "edition": certificate.edition,
        "check_label": _("Check it at"),
        # A visitor's certificate is not stored, so there is no page to check it at.
        "address": certificate.address if certificate.token else "",
        "limits": _(
            "This certificate says what was done. It isn’t a qualification: there was no exam, and "
            "its owner chose the name on it. The owner can withdraw it; its web address then says so."
        )
        if certificate.token
        else _(
            "This certificate says what was done. It isn’t a qualification: there was no exam, and "
            "its owner chose the name on it. It was made without an account, so no one can check it."
        ),
    }
