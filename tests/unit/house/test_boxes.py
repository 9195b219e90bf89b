"""No text area has a `maxlength`, because browsers silently cut pasted text at it."""

import re
from collections.abc import Iterator
from pathlib import Path

from django import forms
from django.contrib import admin
from django.test import RequestFactory

from accounts.models import Person

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
BOX = re.compile(r"<textarea\b[^>]*>", re.DOTALL)
# A lesson's file and a form that was not accepted. Their pages check the length.
WITHOUT_LIMIT = {"courses/preview.html", "accounts/unsent_form.html"}


def boxes() -> Iterator[tuple[str, str, str]]:
    for path in sorted(TEMPLATES.rglob("*.html")):
        page = path.read_text()
        for box in BOX.findall(page):
            yield str(path.relative_to(TEMPLATES)), box, page


def test_no_template_lets_a_browser_cut() -> None:
    assert [name for name, box, _page in boxes() if "maxlength" in box] == []


def test_every_template_with_a_limit_says_when_it_nears() -> None:
    limited = {name: page for name, box, page in boxes() if name not in WITHOUT_LIMIT and "data-limit" in box}
    assert {name for name, _box, _page in boxes()} - WITHOUT_LIMIT == limited.keys()
    assert all('{% include "character_count.html" %}' in page for page in limited.values())


def forms_below(form: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for below in form.__subclasses__():
        yield below
        yield from forms_below(below)


def test_no_form_lets_a_browser_cut() -> None:
    request = RequestFactory().get("/")
    request.user = Person(is_active=True, is_staff=True, is_superuser=True)
    # Loads the admin's forms.
    for shown in admin.site._registry.values():
        if shown.has_add_permission(request) or shown.has_change_permission(request):
            shown.get_form(request)
    cutting = {
        f"{form.__module__}.{form.__name__}.{name}"
        for form in forms_below(forms.BaseForm)
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field.widget, forms.Textarea) and "maxlength" in field.widget.attrs
    }
    assert cutting == set()
