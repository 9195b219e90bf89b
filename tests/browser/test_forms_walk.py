"""Every form of every page, as people use it: Back, reload, a second tab, signed out elsewhere, without a connection,
submitted twice and without JavaScript. No typed text is lost, and no response is an error.

The pages come from the permission table (tests/matrix). `make soak` prints the forms that were walked.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response
from playwright.sync_api import TimeoutError as BrowserTimeout

from accounts.models import Session
from chat.models import Turn
from events.models import Event
from kit import rate_limits
from tests.browser.conftest import PHONE
from tests.browser.test_every_page import sign_in
from tests.live import Web
from tests.matrix.routes import routes
from tests.matrix.test_matrix import ROWS
from tests.matrix.world import ROLES, World, create_world

pytestmark = [pytest.mark.browser]

WORDS = "Words that must stay"
PASSWORD = "a-long-password"
FORMS = "main form[method=post]"
FIELDS = "textarea, input[type=text], input[type=email], input:not([type])"
# These end what the walk still needs, and nothing is typed in them.
LEFT_OUT = ("erase", "delete", "/end", "/leave", "/language", "sign-out", "withdraw", "second-step")
# If the other tab or the delay was quicker, a form is refused, but keeps its text.
REFUSED = {403, 409, 422, 429}
Walk = Callable[[Page, Locator], Iterator[str]]


@pytest.fixture
def world(web: Web, library: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("mail.nudge.send", lambda _mail_id: None)
    monkeypatch.setattr("chat.turns.queue.nudge_worker", lambda _turn_id: None)
    made = create_world()
    for person in made.people.values():
        person.set_password(PASSWORD)
        person.save()
    return made


def list_pages(role: str) -> list[str]:
    """Return the pages that this role sees. Except in a soak, skip those that an earlier role of the table sees."""
    place, names = ROLES.index(role), []
    for name, (get, _post) in sorted(ROWS.items()):
        answers = get.split()
        if answers[place] == "200" and ("SOAK" in os.environ or "200" not in answers[:place]):
            names.append(name)
    return names


def walk_forms(world: World, role: str, page: Page, walk: Walk) -> list[str]:
    """Walk each form that a role sees, each time from a reloaded page. Return what went wrong."""
    wrong, walked, seen = [], [], set()
    page.set_default_timeout(5_000)
    for name in list_pages(role):
        address = world.address(name, routes()[name])
        sign_in(page.context, world, role)
        for number, action in enumerate(_list_page_actions(page, address)):
            if any(part in action for part in LEFT_OUT) or action in seen:
                continue
            rate_limits._shared_counters().storage.reset()
            # One question at a time: the question of an earlier walk has been answered.
            Turn.objects.filter(ended_at=None).update(
                state="answered", answer="Yes.", ended_at=timezone.now(), claim=None
            )
            sign_in(page.context, world, role)
            _open(page, address)
            if action not in (actions := _list_actions(page)):
                # An earlier walk has used it up, such as an invitation that was accepted.
                continue
            form = page.locator(FORMS).nth(actions.index(action))
            seen.add(action)
            walked.append(f"{name} {number} → {action}")
            with collect_problems(page) as problems:
                wrong += [f"{name}, form {number} ({action}): {problem}" for problem in walk(page, form)]
            wrong += [f"{name}, form {number} ({action}): {problem}" for problem in problems]
    if os.environ.get("SOAK"):
        print(f"\n{role}, {walk.__name__}:", *walked, sep="\n  ")
    assert walked, "no form was found"
    return wrong


def _list_page_actions(page: Page, address: str) -> list[str]:
    answer = page.request.get(address, max_redirects=0)
    if answer.status != 200 or "text/html" not in answer.headers.get("content-type", ""):
        return []
    page.goto(address)
    return _list_actions(page)


def _list_actions(page: Page) -> list[str]:
    """Return where each form of the page is sent."""
    paths: list[str] = page.locator(FORMS).evaluate_all(
        "forms => forms.map(form => new URL(form.action).pathname)"
    )
    return paths


def open_form(page: Page, address: str, number: int) -> Locator:
    _open(page, address)
    return page.locator(FORMS).nth(number)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    unfold(page)


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


@contextmanager
def collect_problems(page: Page) -> Iterator[list[str]]:
    """Collects the responses that no action of a person may cause."""
    problems: list[str] = []

    def look(response: Response) -> None:
        if response.status >= 500 or response.status in {400, 404, 405}:
            problems.append(f"{response.request.method} {response.url} answered {response.status}")

    page.on("response", look)
    try:
        yield problems
    finally:
        page.remove_listener("response", look)


def text_fields(form: Locator) -> list[Locator]:
    return [field for field in form.locator(FIELDS).all() if field.is_visible() and field.is_editable()]


def fill(form: Locator) -> None:
    for field in text_fields(form):
        kind, mode = field.get_attribute("type"), field.get_attribute("inputmode")
        field.fill("kim.lee@example.org" if kind == "email" else "3" if mode == "numeric" else WORDS)
    for password in form.locator("input[type=password]").all():
        password.fill(PASSWORD)
    for choice in form.locator("fieldset").all():
        options = choice.locator("input[type=radio], input[type=checkbox]")
        if options.count() and options.first.is_visible():
            options.first.check()


def has_words(form: Locator) -> bool:
    """Return whether text was typed that a browser may keep.

    Browsers must forget some fields, even on Back: the next person on a shared device must not see the name of a
    trusted adult or of a conversation.
    """
    return any(
        field.input_value() == WORDS and field.get_attribute("autocomplete") != "off"
        for field in text_fields(form)
    )


def is_kept(page: Page) -> bool:
    """Return whether the text is on the page or in one of its fields."""
    if page.locator("main").count() == 0:
        return False
    unfold(page)
    fields = page.locator(f":is({FIELDS})").evaluate_all("fields => fields.map(field => field.value)")
    return WORDS in fields or WORDS in (page.locator("main").text_content() or "")


def press(form: Locator, *, twice: bool = False) -> None:
    button = form.locator("button:not([type=button])").first
    if twice:
        button.dblclick()
    else:
        button.click()


def settle(page: Page) -> None:
    """Wait until the click has taken effect. Checking a password takes a while."""
    page.wait_for_timeout(300)
    with suppress(BrowserTimeout):
        page.locator("main").wait_for(state="attached")
    page.wait_for_load_state()


def back_and_forward(page: Page, form: Locator) -> Iterator[str]:
    fill(form)
    had_words, address = has_words(form), page.url
    page.goto("/about")
    page.go_back(wait_until="commit")
    settle(page)
    if page.url.split("#")[0] != address.split("#")[0]:
        yield f"Back leads to {page.url}"
    if had_words and not is_kept(page):
        yield "its words are gone after Back"
    page.go_forward(wait_until="commit")
    settle(page)


def after_sending_back_and_again(page: Page, form: Locator) -> Iterator[str]:
    fill(form)
    press(form)
    settle(page)
    page.go_back(wait_until="commit")
    settle(page)
    page.reload()
    if page.locator("main").count() == 0:
        yield "there is no page after Back and reload"


def second_tab(page: Page, form: Locator) -> Iterator[str]:
    fill(form)
    had_words = has_words(form)
    number = form.evaluate(f"form => [...document.querySelectorAll('{FORMS}')].indexOf(form)")
    other = page.context.new_page()
    twin = open_form(other, page.url, number)
    fill(twin)
    press(twin)
    settle(other)
    other.close()
    answers: list[int] = []
    page.on(
        "response", lambda reply: answers.append(reply.status) if reply.request.method == "POST" else None
    )
    press(form)
    settle(page)
    if had_words and REFUSED & set(answers) and not is_kept(page):
        yield "it was refused after the other tab, and its words are gone"


def connection_lost(page: Page, form: Locator) -> Iterator[str]:
    fill(form)
    had_words = has_words(form)
    is_sent_to_itself = form.evaluate("form => form.action === location.href")
    page.context.set_offline(True)
    with suppress(BrowserTimeout):
        press(form)
    page.wait_for_timeout(400)
    page.context.set_offline(False)
    if page.locator("main").count() == 0:
        # The browser's own error page. It replaced the form at the same address, so
        # reloading it sends the form again.
        if is_sent_to_itself:
            page.reload()
            return
        page.go_back(wait_until="commit")
        settle(page)
    if had_words and not is_kept(page):
        yield "its words are gone after the connection was lost"


def pressed_twice(page: Page, form: Locator) -> Iterator[str]:
    fill(form)
    press(form, twice=True)
    settle(page)
    if page.locator("main").count() == 0:
        yield "there is no page after pressing twice"


def _needs_sign_in(page: Page) -> bool:
    """Return whether a visitor gets the sign-in page instead of this page."""
    match = resolve(urlsplit(page.url).path)
    return match.view_name in ROWS and ROWS[match.view_name][0].startswith("in")


def signed_out_elsewhere(page: Page, form: Locator) -> Iterator[str]:
    fill(form)
    had_words = form.locator("textarea, [name=title]").count() > 0 and has_words(form)
    who = page.locator(".site-who-name")
    if who.count() == 0 or not _needs_sign_in(page):
        return
    person = who.text_content() or ""
    Session.objects.all().delete()
    press(form)
    settle(page)
    if "/sign-in" not in page.url and "/account/data" not in page.url:
        yield f"it leads to {page.url} and not to the sign-in page"
        return
    page.locator("#id_username").fill(person.rpartition(":")[2].strip())
    page.locator("#id_password").fill(PASSWORD)
    page.locator(".sign-in-form button").click()
    settle(page)
    if "/sign-in" in page.url and "/kept" not in page.url:
        yield f"signing in leads to {page.url}"
    if had_words and not is_kept(page):
        yield "its words are gone after signing in again"


WALKS = [back_and_forward, after_sending_back_and_again, second_tab, connection_lost, pressed_twice]


# A visitor sees many pages, which seldom change.
ROLES_WALKED = [pytest.param("anonymous", marks=pytest.mark.soak), "teen", "parent"]


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
@pytest.mark.parametrize("role", ROLES_WALKED)
def test_nothing_is_lost(role: str, walk: Walk, world: World, page: Page) -> None:
    sign_in(page.context, world, role)
    wrong = walk_forms(world, role, page, walk)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", ["teen", "parent"])
def test_nothing_is_lost_when_signed_out_elsewhere(role: str, world: World, page: Page) -> None:
    sign_in(page.context, world, role)
    wrong = walk_forms(world, role, page, signed_out_elsewhere)
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def plain(browser: Browser, web: Web) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=web.url, viewport=PHONE, java_script_enabled=False)
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


def without_javascript(page: Page, form: Locator) -> Iterator[str]:
    for field in form.locator(FIELDS).all():
        if field.is_visible():
            field.fill("kim.lee@example.org" if field.get_attribute("type") == "email" else WORDS)
    answers: list[int] = []
    page.on(
        "response", lambda reply: answers.append(reply.status) if reply.request.method == "POST" else None
    )
    with suppress(BrowserTimeout):
        form.locator("button").first.click(timeout=2_000)
    page.wait_for_load_state()
    refused = REFUSED & set(answers)
    if refused and form.locator("textarea").count() and WORDS not in page.content():
        yield f"it was refused with {refused}, and its words are gone"


@pytest.mark.parametrize("role", ROLES_WALKED)
def test_nothing_is_lost_without_javascript(role: str, world: World, plain: BrowserContext) -> None:
    sign_in(plain, world, role)
    wrong = walk_forms(world, role, plain.new_page(), without_javascript)
    assert not wrong, "\n".join(wrong)


def test_feedback_about_an_event_is_walked_as_well(world: World, page: Page) -> None:
    """The form opens once the event has begun. The event of the permission table has not."""
    Event.objects.update(starts_at=timezone.now())
    address = world.address("events:feedback", routes()["events:feedback"])
    wrong: list[str] = []
    for walk in WALKS:
        form = open_form(page, address, 0)
        with collect_problems(page) as problems:
            wrong += walk(page, form)
        wrong += problems
    assert not wrong, "\n".join(wrong)
