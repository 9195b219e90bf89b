"""No control covers another on a phone: a control gets the tap when it is scrolled into view or focused with Tab."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from guard import Category, Level
from tests.matrix.world import create_world

pytestmark = [pytest.mark.browser]
WIDTHS = (320, 360, 390)
HEIGHTS = {320: 568, 360: 640, 390: 844}
PUBLIC = ("/", "/help/now", "/sign-in", "/events/evening")
SIGNED_IN = ("/tutor/", "/learn/good-and-bad/what-it-is", "/family/", "/account")

CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary"
# `covered` looks up what is at the middle of a control's first line, and describes it if it is something else. A label
# counts as its field.
SCRIPT = """
(controls) => {
  const name = (one) => one && `<${one.tagName.toLowerCase()} ${one.className}> ${one.textContent.trim().slice(0, 30)}`;
  window.covered = (one) => {
    if (one.matches(".skip, body, main") || !one.checkVisibility({ visibilityProperty: true })) return "";
    const box = [...one.getClientRects()].find((rect) => rect.width > 1 && rect.height > 1);
    if (!box) return "";
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const hit = document.elementFromPoint(x, y);
    const isLabel = [...(one.labels ?? [])].some((label) => label.contains(hit));
    if (hit && (one.contains(hit) || isLabel)) return "";
    return `${name(one)} at ${Math.round(x)}, ${Math.round(y)} is under ${name(hit)}`;
  };
  window.walk = () => {
    const all = [...document.querySelectorAll(controls)];
    const found = new Set();
    for (const from of [0, document.documentElement.scrollHeight]) {
      for (const one of from ? all.toReversed() : all) {
        scrollTo({ top: from, behavior: "instant" });
        one.scrollIntoView({ block: "nearest", behavior: "instant" });
        found.add(window.covered(one));
      }
    }
    return [...found].filter(Boolean);
  };
}
"""


def make_conversation(teen: Person, turns: list[dict[str, object]]) -> str:
    conversation = Conversation.objects.create(owner=teen, title="Fractions")
    for number, fields in enumerate(turns):
        ended = None if fields["state"] == TurnState.WORKING else timezone.now()
        question = f"How do fractions work, part {number}?"
        Turn.objects.create(
            pk=uuid4(), conversation=conversation, question=question, ended_at=ended, **fields
        )
    return f"/tutor/{conversation.pk}"


def create_long_conversations(teen: Person) -> list[str]:
    answered: dict[str, object] = {
        "state": TurnState.ANSWERED,
        "answer": "A fraction is a part of a whole.\n\n" * 6,
        "answer_tokens": 9,
        "model": "a model",
        "passages": ["good-and-bad/what-it-is#nobody"],
    }
    card: dict[str, object] = {
        "state": TurnState.CARDED,
        "level": Level.ACUTE,
        "categories": [Category.SUICIDE],
    }
    now = timezone.now()
    live: dict[str, object] = {
        "state": TurnState.WORKING,
        "claim": uuid4(),
        "claimed_at": now,
        "lease_until": now,
    }
    failed: dict[str, object] = {"state": TurnState.FAILED}
    return [
        make_conversation(teen, turns) for turns in ([answered, failed], [answered, live], [answered, card])
    ]


def list_covered_controls(page: Page, *, with_tab: bool) -> list[str]:
    page.evaluate(SCRIPT, CONTROLS)
    # The skip link covers the navigation on purpose while it has the focus.
    page.evaluate("document.activeElement.blur()")
    overlaps = list(page.evaluate("window.walk()"))
    if with_tab:
        page.evaluate("scrollTo(0, 0)")
        for key in ("Tab", "Shift+Tab"):
            for _ in range(page.locator(CONTROLS).count()):
                page.keyboard.press(key)
                if overlap := page.evaluate("window.covered(document.activeElement)"):
                    overlaps.append(f"{key}: {overlap}")
    return overlaps


def test_no_control_covers_another_on_a_phone(
    library: None, page: Page, sign_in: Callable[[Person], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.nudge.send", lambda _mail_id: None)
    world = create_world()
    teen = world.people["teen"]
    wrong: list[str] = []

    def look_at(addresses: tuple[str, ...] | list[str]) -> None:
        for address in addresses:
            page.goto(address)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
                overlaps = list_covered_controls(page, with_tab=width != 360)
                wrong.extend(f"{address} at {width}: {overlap}" for overlap in overlaps)

    look_at(PUBLIC)
    sign_in(teen)
    look_at(SIGNED_IN)
    # The conversation with a card comes last, because a card pauses the tutor.
    look_at(create_long_conversations(teen))
    assert not wrong, "\n".join(wrong)
