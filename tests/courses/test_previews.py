"""A content preview: the page that readers will get, or the errors to fix."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Person, Role
from courses.authoring.previews import MAX_CHARACTERS
from courses.authoring.source import CONTENT_ROOT
from kit.rate_limits import RateLimit
from tests.courses.copied import MODULE
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]
Change = Callable[[str, str, str], int]
LIST = "/admin/courses/module/previews/"
LESSON, QUIZ = f"{MODULE}/3-bias-in-bias-out.md", f"{MODULE}/quiz.md"
BRIEFING = "en/briefings/2023-12-08-europe-agrees-on-rules.md"
SPANISH = "es/mental-health/3-where-it-fails.md"
HTMX = {"HX-Request": "true"}
FRONT = '+++\ntitle = "A title"\nminutes = 5\n+++\n'
TYPED = f"{FRONT}## A heading {{#here}}\n\nA line of *mine*.\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(content: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courses.admin.previews.CONTENT_ROOT", content)


@pytest.fixture
def author(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


def read_reply(reply: object) -> str:
    return " ".join(reply.content.decode().split())  # type: ignore[attr-defined]


def open_preview(author: Client, file: str) -> str:
    reply = author.get(LIST + file)
    assert reply.status_code == 200
    return read_reply(reply)


def preview_typed(author: Client, text: str, file: str = LESSON) -> str:
    reply = author.post(LIST + file, {"text": text}, headers=HTMX)
    assert reply.status_code == 200
    return read_reply(reply)


# Access


@pytest.mark.parametrize("path", [LIST, LIST + LESSON])
def test_only_admins_see_previews(
    path: str, as_person: AsPerson, teen: Person, parent: Person, make_person: Callable[..., Person]
) -> None:
    for client in (Client(), as_person(teen), as_person(parent)):
        for reply in (client.get(path), client.post(path, {"text": TYPED})):
            assert reply.status_code == 302
            assert reply.headers["Location"].startswith("/admin/login/")
    staff = make_person("bo", Role.ADMIN, is_staff=True)
    assert as_person(staff).get(path).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_module"))
    assert as_person(staff).get(path).status_code == 200


def test_typed_text_is_taken_only_from_its_own_page(admin_person: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_person)
    assert client.post(LIST + LESSON, {"text": TYPED}).status_code == 403


def test_an_ended_session_is_reported_beside_the_text(author: Client) -> None:
    author.logout()
    assert author.post(LIST + LESSON, {"text": TYPED}, headers=HTMX).status_code == 403


def test_typing_has_a_limit_like_every_post(author: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courses.admin.previews.preview_edits", RateLimit("a test of drafts", "1/hour"))
    preview_typed(author, TYPED)
    reply = author.post(LIST + LESSON, {"text": TYPED})
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "file",
    [
        "en/good-and-bad/9-nothing.md",
        "en/good-and-bad",
        "../library.py",
        "en/../../library.py",
        "en/good-and-bad/../good-and-bad/quiz.md",
        "/etc/passwd",
        "%00",
    ],
)
def test_no_other_file_can_be_read(author: Client, file: str) -> None:
    assert author.get(LIST + file).status_code == 404
    assert author.post(LIST + file, {"text": TYPED}).status_code == 404


# Content


def test_files_are_grouped_by_folder_and_linked(author: Client) -> None:
    page = open_preview(author, "")
    assert f'<h2 translate="no">{MODULE}</h2>' in page
    assert f'<a href="{LIST}{LESSON}">3-bias-in-bias-out.md</a>' in page
    assert f'<a href="{LIST}">' in read_reply(author.get("/admin/courses/module/"))


def test_editor_backup_files_are_ignored(author: Client, content: Path) -> None:
    (content / MODULE / ".#quiz.md").symlink_to("ana@laptop.1234")
    (content / MODULE / ".quiz.md").write_text("half of it")
    assert ".quiz.md" not in open_preview(author, "")
    assert "best answer" in open_preview(author, QUIZ)


def cut_out(page: str, first: str, last: str) -> str:
    return page[page.index(first) : page.index(last, page.index(first))]


def test_a_lesson_is_shown_word_for_word_as_readers_see_it(author: Client, library: None) -> None:
    as_read = read_reply(Client().get("/learn/good-and-bad/bias-in-bias-out"))
    lesson = cut_out(as_read, '<div class="lesson-words"', '<form class="lesson-end"')
    assert "<svg" in lesson
    assert "As reported:" in lesson
    assert lesson.strip() in open_preview(author, LESSON)


def test_a_quiz_shows_every_option_with_its_explanation(author: Client, content: Path) -> None:
    page = open_preview(author, QUIZ)
    options = (content / QUIZ).read_text().count("- [")
    assert page.count('class="option-why"') == options
    assert page.count("best answer") == 5
    assert 'type="radio"' not in page


def test_a_module_shows_its_outcomes_and_sources(author: Client, library: None) -> None:
    as_read = read_reply(Client().get("/learn/good-and-bad"))
    page = open_preview(author, f"{MODULE}/module.md")
    assert cut_out(as_read, '<ul class="outcomes"', "</ul>") in page
    assert cut_out(as_read, '<h2 id="sources"', "</details>") in page


def test_a_briefing_shows_its_two_parts(author: Client, content: Path, library: None) -> None:
    (content / BRIEFING).parent.mkdir()
    (content / BRIEFING).write_text((CONTENT_ROOT / BRIEFING).read_text())
    as_read = read_reply(Client().get("/briefings/europe-agrees-on-rules"))
    article = cut_out(as_read, '<article class="reading"', "</article>")
    assert 'id="happened"' in article
    assert 'id="matters"' in article
    assert article in open_preview(author, BRIEFING)


@pytest.fixture
def translation(content: Path) -> Path:
    """A Spanish lesson of an English module."""
    for folder in ("en/mental-health", "es/mental-health"):
        (content / folder).mkdir(parents=True)
        for file in (CONTENT_ROOT / folder).glob("*.md"):
            (content / folder / file.name).write_text(file.read_text())
    return content / SPANISH


def test_a_translation_says_what_differs_from_the_english(author: Client, translation: Path) -> None:
    page = open_preview(author, SPANISH)
    assert "Differences from the original" not in page
    assert '<div class="lesson-words" lang="es">' in page
    translation.write_text(translation.read_text().replace("{#story}", "{#cuento}"))
    page = open_preview(author, SPANISH)
    assert "Differences from the original:" in page
    assert "The sections of “where-it-fails” are not those of en/mental-health." in page
    assert "Give these, in this order: agrees, thread, story" in page
    # The preview is still shown.
    assert 'id="cuento"' in page


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("quiz.md", ":::question ", ":::question una-", "The questions are not those of en/mental-health."),
        ("module.md", "", "", "The lessons are not those of en/mental-health."),
    ],
)
def test_a_translated_quiz_and_module_show_how_they_differ_from_the_original(
    name: str, old: str, new: str, message: str, author: Client, translation: Path
) -> None:
    path = translation.parent / name
    path.write_text(path.read_text().replace(old, new, 1))
    translation.rename(translation.parent / "3-donde-falla.md")
    assert message in open_preview(author, f"es/mental-health/{name}")


def test_a_lesson_may_be_written_before_the_rest_of_its_module(author: Client, content: Path) -> None:
    (content / "en/new").mkdir()
    (content / "en/new/1-first.md").write_text(TYPED)
    assert "A line of <em>mine</em>." in open_preview(author, "en/new/1-first.md")


# Errors


def test_a_broken_file_shows_file_line_text_and_hint_instead_of_the_page(
    author: Client, change: Change
) -> None:
    line = change("3-bias-in-bias-out.md", ":::diagram bias", ":::diagram bia")
    page = open_preview(author, LESSON)
    assert "1 thing to fix." in page
    assert f"{LESSON}, line {line}" in page
    assert "<code>:::diagram bia</code>" in page
    assert "There is no diagram “bia”." in page
    assert "Use one of: bias, loop, tokens, trained." in page
    assert 'class="lesson-words"' not in page


def test_all_errors_are_shown_at_once(author: Client, change: Change) -> None:
    change("3-bias-in-bias-out.md", ":::diagram bias", ":::diagram bia")
    change("3-bias-in-bias-out.md", "{#measured}", "")
    assert "2 things to fix." in open_preview(author, LESSON)


def test_an_error_in_a_neighboring_file_names_that_file(author: Client, change: Change) -> None:
    line = change("module.md", "order = 1", "order = ")
    page = open_preview(author, LESSON)
    assert f"{MODULE}/module.md, line {line}" in page
    assert "<code>order =</code>" in page


def test_a_binary_file_is_reported(author: Client, content: Path) -> None:
    (content / LESSON).write_bytes(b'+++\ntitle = "\xff"\n+++\n')
    page = open_preview(author, LESSON)
    assert "This is not UTF-8 text." in page
    assert f"{LESSON}, line 2" in page


@pytest.mark.parametrize("name", ["notes.md", "0-nothing.md"])
def test_a_file_with_an_invalid_name_is_reported(author: Client, content: Path, name: str) -> None:
    (content / MODULE / name).write_text(TYPED)
    assert "This file’s name has no number and slug." in open_preview(author, f"{MODULE}/{name}")


# Saved files


def read_mark(page: str) -> str:
    return cut_out(page, "?mark=", '"')


def asks_again(author: Client, mark: str, file: str = LESSON) -> object:
    return author.get(LIST + file + mark, headers=HTMX)


def test_polling_gets_204_until_the_file_is_saved(author: Client, change: Change, content: Path) -> None:
    mark = read_mark(open_preview(author, LESSON))
    assert asks_again(author, mark).status_code == 204  # type: ignore[attr-defined]
    change("3-bias-in-bias-out.md", "{#measured}", "{#counted}")
    news = read_reply(asks_again(author, mark))
    assert 'id="counted"' in news
    # The text field updates with the file, and nothing else is sent twice.
    assert "{#counted}" in cut_out(news, "<textarea", "</textarea>")
    assert "<html" not in news
    assert asks_again(author, read_mark(news)).status_code == 204  # type: ignore[attr-defined]


def test_polling_also_notices_the_file_with_its_sources(author: Client, change: Change) -> None:
    mark = read_mark(open_preview(author, LESSON))
    change("module.md", "Gender Shades", "Gender Shades, again")
    assert "Gender Shades, again" in read_reply(asks_again(author, mark))


def test_the_preview_says_when_the_file_was_saved(author: Client, content: Path) -> None:
    os.utime(content / LESSON, (1_700_000_000, 1_700_000_000))
    page = squeezed(open_preview(author, LESSON))
    assert '<p role="status" id="preview_state">Preview of the file saved at 22:13:20 UTC.</p>' in page


# Typed text


def test_typed_text_is_shown_and_not_saved(author: Client, content: Path) -> None:
    before = {path: path.read_bytes() for path in content.rglob("*") if path.is_file()}
    with CaptureQueriesContext(connection) as asked:
        page = preview_typed(author, TYPED)
    assert "A line of <em>mine</em>." in page
    assert "It isn’t saved" in page
    assert {query["sql"].split()[0] for query in asked.captured_queries} <= {"SELECT"}
    assert {path: path.read_bytes() for path in content.rglob("*") if path.is_file()} == before
    assert "A line of" not in open_preview(author, LESSON)


def test_polling_pauses_while_typing(author: Client, content: Path) -> None:
    assert "every 2s" not in preview_typed(author, TYPED)
    # Text that equals the file, apart from a browser's line ends, counts as the file.
    assert "every 2s" in preview_typed(author, (content / LESSON).read_text().replace("\n", "\r\n"))


def test_without_javascript_a_button_shows_the_whole_page_again(author: Client) -> None:
    page = read_reply(author.post(LIST + LESSON, {"text": TYPED}))
    assert page.lower().startswith("<!doctype html>")
    assert "A line of *mine*." in cut_out(page, "<textarea", "</textarea>")
    assert "A line of <em>mine</em>." in page


def test_the_page_runs_under_the_sites_content_policy(author: Client) -> None:
    reply = author.get(LIST + LESSON)
    assert "script-src 'self';" in reply.headers["Content-Security-Policy"] + ";"
    assert "style=" not in read_reply(reply)


HOSTILE = {
    "a script": f"{FRONT}<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "a script in a title": '+++\ntitle = "<script>alert(1)</script>"\nminutes = 5\n+++\nx',
    "a script in a error": "+++\n<script>alert(1)</script>\n+++\n",
    "a script in a block": f"{FRONT}:::<script>alert(1)</script>\nx\n:::",
    "the end of the field": f"{FRONT}</textarea><script>alert(1)</script>",
    "a link that runs": f"{FRONT}[a](javascript:alert(1)) <javascript:alert(1)>",
    "NUL": f"{FRONT}a\0b",
    "NUL in the front matter": '+++\ntitle = "\0"\n+++\n',
    "nothing": "",
    "only its beginning": "+++\n",
    "quotes in quotes": FRONT + ">" * 20_000,
    "brackets in brackets": FRONT + "[" * 5_000,
    "blocks in blocks": FRONT + ":::notice\n" * 2_000,
    "lists in lists": FRONT + "- " * 10_000,
    "tables in tables": "+++\na = " + "[" * 20_000 + "\n+++\n",
    "a huge number": f"+++\ntitle = 'x'\nminutes = {'9' * 20_000}\n+++\n",
    "a huge number of minutes": f"{FRONT}:::activity {'9' * 20_000} x\nx\n:::",
    "sources that are none": "+++\ntitle = 'x'\nminutes = 5\nsources = 3\n+++\nx",
    "a source without a name": "+++\ntitle = 'x'\nminutes = 5\n[[sources]]\nid = 3\n+++\n:::reported 3\nx\n:::",
    "numbers where text belongs": "+++\ntitle = [inf, nan]\nminutes = true\noutcomes = [1]\n+++\n",
}


@pytest.mark.parametrize("file", [LESSON, QUIZ, f"{MODULE}/module.md", BRIEFING])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_typed_is_answered(author: Client, content: Path, text: str, file: str) -> None:
    (content / file).parent.mkdir(exist_ok=True)
    (content / file).touch()
    for reply in (
        author.post(LIST + file, {"text": text}, headers=HTMX),
        author.post(LIST + file, {"text": text}),
    ):
        assert reply.status_code == 200
        page = reply.content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'href="javascript' not in page


def test_text_that_is_too_long_is_refused_unread(author: Client) -> None:
    page = preview_typed(author, TYPED + "x" * MAX_CHARACTERS)
    assert "This is too long to be shown." in page
    assert author.post(LIST + LESSON, {"text": "x" * 3_000_000}).status_code in {400, 413}
