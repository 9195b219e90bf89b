"""Account pages on a phone: each fits, passes axe and obeys the content security policy."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Person, Role
from kit import rate_limits
from mail.models import Email
from tests.browser.conftest import follow
from tests.live import Web

pytestmark = [pytest.mark.browser]

PASSWORD = "a-long-password"
PERIOD = 30


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    rate_limits._shared_counters().storage.reset()


@pytest.fixture
def local(page: Page, web: Web) -> Callable[[str], None]:
    """Opens a page on localhost, because browsers allow no passkeys on a bare address."""

    def opening(path: str) -> None:
        page.goto(f"http://localhost:{urlsplit(web.url).port}{path}")

    return opening


@pytest.fixture
def key(page: Page, context: BrowserContext) -> None:
    """Chromium's virtual authenticator, which approves every request."""
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


@pytest.fixture
def known(web: Web, make_person: Callable[..., Person]) -> Person:
    person = make_person("person-known", Role.PARENT, email="kim@example.org", display_name="Kim")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def sign_in_by_form(page: Page, name: str) -> None:
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(PASSWORD)
    page.locator(".sign-in-form").get_by_role("button", name="Sign in").click()


def get_current_code(secret: str) -> str:
    left = PERIOD - time.time() % PERIOD
    if left < 5:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD))


@pytest.fixture
def check_layout(page: Page, audit: Callable[[], None]) -> Callable[[], None]:
    """Checks that the page passes axe and nothing overflows on a small phone, a phone or a desktop."""

    def check() -> None:
        audit()
        for width in (1280, 320, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)

    return check


@pytest.mark.parametrize(
    "path",
    [
        "/sign-up",
        "/sign-up/teen",
        "/sign-in/passkey",
        "/account/password/reset/",
        "/account/password/reset/done/",
        "/account/password/reset/key/done/",
        "/account/password/reset/key/1-made-up/",
        "/account/confirm-email/",
        "/account/confirm-email/made-up/",
        "/account/inactive/",
    ],
)
def test_a_page_for_everyone(path: str, page: Page, check_layout: Callable[[], None]) -> None:
    page.goto(path)
    check_layout()


def test_the_pages_of_a_signed_in_person(page: Page, known: Person, check_layout: Callable[[], None]) -> None:
    page.goto("/account/")
    sign_in_by_form(page, "kim@example.org")
    check_layout()
    for path in (
        "/account/sessions/",
        "/account/email/",
        "/account/password/change/",
        "/account/second-step/",
        "/account/second-step/webauthn/",
        "/account/second-step/totp/activate/",  # asks for the password first
    ):
        page.goto(path)
        check_layout()


def test_an_account_form_with_errors_is_accessible(
    page: Page, web: Web, check_layout: Callable[[], None]
) -> None:
    for path in ("/sign-up", "/sign-up/teen", "/account/password/reset/"):
        page.goto(path)
        page.locator(".sign-in-form button").click()
        expect(page.get_by_role("alert").first).to_be_visible()
        check_layout()


def test_the_account_is_one_tap_from_anywhere(
    page: Page, teen: Person, sign_in: Callable[[Person], None]
) -> None:
    sign_in(teen)
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/learn/")
    page.get_by_role("link", name="Noor").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    page.get_by_label("Time zone").select_option("Europe/Dublin")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")


def test_a_parent_signs_up_and_confirms_by_the_mail(
    page: Page, web: Web, check_layout: Callable[[], None]
) -> None:
    page.goto("/sign-up")
    page.get_by_label("Display name").fill("Kim")
    page.get_by_label("Email").fill("kim@example.org")
    page.get_by_label("Password").fill("three-words-in-a-row")
    page.get_by_label("Birth month").select_option("1")
    page.get_by_label("Birth year").fill("1980")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")
    link = next(word for word in Email.objects.get().text.split() if word.startswith("http"))
    page.goto(link)
    check_layout()
    page.get_by_role("button", name="Yes, it’s mine").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your family")


def test_a_teen_signs_up(page: Page, web: Web, check_layout: Callable[[], None]) -> None:
    page.goto("/sign-up/teen")
    page.get_by_label("Month").select_option("1")
    page.get_by_label("Year").fill(str(timezone.localdate().year - 15))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Username")).to_be_visible()
    check_layout()
    page.get_by_label("Username").fill("lou")
    page.get_by_label("Display name").fill("Lou")
    page.get_by_label("Password").fill("three-words-in-a-row")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your family")
    assert Person.objects.get().role == Role.TEEN


def test_a_child_is_refused_kindly(page: Page, web: Web, check_layout: Callable[[], None]) -> None:
    page.goto("/sign-up/teen")
    page.get_by_label("Month").select_option("1")
    page.get_by_label("Year").fill(str(timezone.localdate().year - 9))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You can’t have an account yet")
    check_layout()


def test_codes_from_an_app_from_the_first_scan_to_the_next_sign_in(
    page: Page, known: Person, check_layout: Callable[[], None]
) -> None:
    page.goto("/sign-in?next=/account/second-step/")
    sign_in_by_form(page, "kim@example.org")
    page.get_by_role("link", name="Set up the app").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    check_layout()
    secret = page.locator(".key-letters").inner_text()
    page.locator("#id_code").fill(get_current_code(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".code-list li")).to_have_count(10)
    check_layout()
    for path in ("", "totp/deactivate/", "recovery-codes/generate/"):
        page.goto(f"/account/second-step/{path}")
        check_layout()
    follow(page.get_by_role("button", name="Sign out").first)
    page.goto("/sign-in")
    sign_in_by_form(page, "kim@example.org")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second step")
    check_layout()
    page.locator("#id_code").fill(get_current_code(secret))
    page.locator(".sign-in-form").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Kim")).to_be_visible()


def test_a_passkey_from_adding_it_to_signing_in_without_a_password(
    page: Page, known: Person, key: None, local: Callable[[str], None], check_layout: Callable[[], None]
) -> None:
    local("/sign-in?next=/account/second-step/webauthn/add/")
    sign_in_by_form(page, "kim@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a passkey")
    check_layout()
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    authenticator = Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN)
    for path in ("", f"keys/{authenticator.pk}/edit/", f"keys/{authenticator.pk}/remove/"):
        local(f"/account/second-step/webauthn/{path}")
        check_layout()
    follow(page.get_by_role("button", name="Sign out").first)
    local("/sign-in/passkey?next=/account/sessions/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Where you are signed in")


def test_a_passkey_as_the_second_step(
    page: Page, known: Person, key: None, local: Callable[[str], None], check_layout: Callable[[], None]
) -> None:
    local("/sign-in?next=/account/second-step/webauthn/add/")
    sign_in_by_form(page, "kim@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    follow(page.get_by_role("button", name="Sign out").first)
    local("/sign-in")
    sign_in_by_form(page, "kim@example.org")
    page.get_by_role("button", name="Use a passkey instead").click()
    expect(page.get_by_role("link", name="Kim")).to_be_visible()
    # Adding another asks for confirmation, which the passkey can give.
    local("/account/second-step/webauthn/add/")
    follow(page.get_by_role("link", name="With a passkey"))
    check_layout()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a passkey")


def test_without_a_key_the_page_says_so(
    page: Page, known: Person, context: BrowserContext, local: Callable[[str], None]
) -> None:
    context.new_cdp_session(page).send("WebAuthn.enable")
    local("/sign-in/passkey")
    page.evaluate("() => { navigator.credentials.get = () => Promise.reject(new Error('no')) }")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That didn’t work.")


def test_only_passkeys_and_the_choice_of_a_zone_carry_a_script(page: Page, web: Web) -> None:
    for path in ("/sign-in", "/sign-up/teen", "/account/password/reset/"):
        page.goto(path)
        assert page.locator("script").count() == 0
    page.goto("/sign-up")
    assert page.locator("script:not([src*='js/zone'])").count() == 0
