"""An author saves a file or types, and the preview beside it updates."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Person, Role
from courses.authoring.source import CONTENT_ROOT

MODULE = "en/good-and-bad"
LESSON = f"{MODULE}/3-bias-in-bias-out.md"
DRAFTS = "/admin/courses/module/previews/"

pytestmark = pytest.mark.browser
type Open = Callable[..., Page]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lesson that a test may change."""
    shutil.copytree(CONTENT_ROOT / MODULE, tmp_path / MODULE)
    monkeypatch.setattr("courses.admin.previews.CONTENT_ROOT", tmp_path)
    return tmp_path / LESSON


@pytest.fixture
def opened(browser: Browser, live_server: LiveServer, file: Path) -> Iterator[Open]:
    """Opens a preview as an admin. Served by this process, which alone knows the folder."""
    client = Client()
    client.force_login(
        Person.objects.create(username="ana", role=Role.ADMIN, is_staff=True, is_superuser=True)
    )
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    errors: list[str] = []
    contexts = []

    def opening(path: str = LESSON, *, width: int = 1280, scripts: bool = True) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 800},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if "Security Policy" in message.text else None,
        )
        page.goto(DRAFTS + path)
        return page

    yield opening
    for context in contexts:
        context.close()
    assert not errors


def save(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_the_page_follows_the_file_and_stays_where_it_is(opened: Open, file: Path) -> None:
    page = opened()
    page.evaluate("scrollTo(0, 900)")
    save(file, "## It has been", "## It has surely been")
    expect(page.get_by_role("heading", name="It has surely been")).to_be_visible()
    assert page.evaluate("scrollY") == 900
    expect(page.locator("#id_text")).to_have_value(file.read_text())
    save(file, ":::diagram bias", ":::diagram bia")
    shown = page.get_by_role("region", name="Preview")
    expect(shown.get_by_role("status").first).to_contain_text("1 thing to fix.")
    expect(shown).to_contain_text("There is no diagram “bia”.")
    expect(shown).to_contain_text("Use one of: bias, loop, tokens, trained.")
    expect(shown.locator(".lesson-words")).to_have_count(0)
    save(file, ":::diagram bia", ":::diagram bias")
    expect(shown.locator(".lesson-words svg")).to_be_visible()


def test_what_is_typed_is_shown_after_a_pause_and_kept_nowhere(opened: Open, file: Path) -> None:
    page, before = opened(), file.read_text()
    field = page.get_by_label("File text")
    field.focus()
    field.press("Control+End")
    field.press_sequentially("\n\nA line of *mine*.")
    shown = page.get_by_role("region", name="Preview")
    expect(shown.get_by_text("A line of mine.")).to_be_visible()
    expect(field).to_be_focused()
    field.press_sequentially("\n\n:::notise\nx\n:::")
    expect(shown).to_contain_text("There is no block “notise”.")
    expect(shown.locator("pre")).to_have_text(":::notise")
    expect(field).to_have_value(f"{before.rstrip()}\n\n\nA line of *mine*.\n\n:::notise\nx\n:::")
    assert file.read_text() == before
    page.get_by_role("link", name="Back to the saved file").click()
    expect(shown.locator(".lesson-words")).to_be_visible()
    expect(field).to_have_value(before)


def test_a_deleted_file_is_reported_and_its_page_stays(opened: Open, file: Path) -> None:
    page = opened()
    moved = file.rename(file.with_suffix(".away"))
    expect(page.locator("#preview_trouble")).not_to_be_empty()
    expect(page.locator(".lesson-words")).to_be_visible()
    moved.rename(file)
    os.utime(file, (time.time(), time.time()))
    expect(page.locator("#preview_trouble")).to_be_empty()


def test_without_scripts_a_button_shows_the_preview(opened: Open) -> None:
    page = opened(scripts=False)
    page.get_by_label("File text").fill('+++\ntitle = "A title"\nminutes = 5\n+++\nA line of *mine*.\n')
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("A line of mine.")).to_be_visible()


@pytest.mark.parametrize("path", ["", LESSON, f"{MODULE}/quiz.md", f"{MODULE}/module.md", "broken"])
def test_axe_finds_nothing_and_nothing_overflows(
    path: str, opened: Open, file: Path, audit_page: Callable[[Page], None]
) -> None:
    if path == "broken":
        save(file, ":::diagram bias", f":::diagram {'bia' * 60}")
    page = opened(LESSON if path == "broken" else path)
    audit_page(page)
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
