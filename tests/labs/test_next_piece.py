"""The chances of what comes next, the sliders, and paths."""

import math
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from accounts.models import Person
from labs.drawing import reshape_chances
from labs.next_piece import MAX_CANDIDATES
from labs.numbers import format_chance
from tests.labs.direct import ask_server, get_chances
from tests.labs.test_frame import count_entries, get_held

ADDRESS = "/labs/what-comes-next"
KETTLE = "The kettle is on the"


@pytest.fixture
def sam(parent: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(parent)


def ask(client: Client, text: str = KETTLE, **fields: object) -> str:
    return client.post(ADDRESS, {"text": text, **fields}).content.decode()


def read_logprobs(page: str) -> list[float]:
    found = re.search(r'data-logprobs="([^"]+)"', page)
    assert found
    return [float(number) for number in found[1].split()]


def read_picks(page: str) -> list[str]:
    return [unescape(value) for value in re.findall(r'name="pick" value="([^"]+)"', page)]


def read_signed(page: str) -> str:
    found = re.search(r'name="chances" value="([^"]+)"', page)
    assert found
    return found[1]


def read_numbers(page: str) -> list[tuple[str, str]]:
    numbers = re.findall(r'class="lab-number"[^>]*>([^<]+)</td>', page.partition("<tbody>")[2])
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_every_chance_equals_a_direct_call_to_the_model(sam: Client) -> None:
    page, direct = ask(sam), get_chances(KETTLE)
    assert read_logprobs(page) == pytest.approx([one["logprob"] for one in direct], abs=2e-3)
    shown = [unescape(own) for own, _drawn in read_numbers(page)]
    assert shown[0] == format_chance(math.exp(direct[0]["logprob"]))
    assert read_picks(page)[0] == f"0|{direct[0]['token']}"


@pytest.mark.parametrize(("temperature", "top_p"), [(0.5, 1.0), (1.5, 0.9), (0.7, 0.6)])
def test_the_sliders_show_what_the_model_server_would_draw_from(
    temperature: float, top_p: float, sam: Client
) -> None:
    """`post_sampling_probs` are the server's own chances after its top-k, top-p and temperature."""
    logprobs = read_logprobs(ask(sam))
    drawn = reshape_chances(logprobs, temperature=temperature, top_p=top_p)
    samplers = {"top_k": MAX_CANDIDATES, "top_p": top_p, "min_p": 0, "temperature": temperature}
    body = {"prompt": KETTLE, "n_predict": 1, "n_probs": 20, "post_sampling_probs": True, **samplers}
    reply = ask_server("/completion", body)["completion_probabilities"][0]["top_probs"]
    server = [one["prob"] for one in reply if one["prob"]]
    assert [chance for chance in drawn if chance][: len(server)] == pytest.approx(server, abs=5e-3)


def test_drawing_again_asks_no_model_and_is_free(sam: Client, parent: Person) -> None:
    signed = read_signed(ask(sam))
    before = count_entries(parent)
    page = ask(sam, chances=signed, redraw="yes", temperature="0", top_p="1")
    assert count_entries(parent) == before
    assert read_numbers(page)[0][1] == "100%"
    assert "cost nothing" in page


def test_made_up_chances_are_asked_for_again(sam: Client, parent: Person) -> None:
    before = count_entries(parent)
    ask(sam, chances="made:up", redraw="yes", temperature="0")
    assert count_entries(parent) > before


def test_a_picked_piece_goes_on_and_a_path_can_be_shared_and_replayed(sam: Client) -> None:
    first = ask(sam)
    pick = read_picks(first)[1]
    second = ask(sam, pick=pick, chances=read_signed(first))
    text = KETTLE + pick.partition("|")[2]
    assert f">\n{text}</textarea>" in second
    assert read_logprobs(second) == pytest.approx([one["logprob"] for one in get_chances(text)], abs=2e-3)
    link = re.search(r"lab-link\" href=\"[^\"]*\?path=([\w.]+)\"", second)
    assert link
    assert link[1] == "kettle.1"
    opened = sam.get(f"{ADDRESS}?path=kettle.1").content.decode()
    assert "Replay the path" in opened
    assert read_logprobs(ask(sam, replay="kettle.1")) == pytest.approx(read_logprobs(second), abs=2e-3)


def test_a_path_from_ones_own_words_has_no_link(sam: Client) -> None:
    page = ask(sam, "My cat is called Kim and")
    assert "?path=" not in page.partition("lab-outcome")[2].partition("lab-question")[0]
    assert "stay yours" in page


@pytest.mark.parametrize("path", ["kettle.99", "nothing.1", "kettle.x", "kettle" + ".0" * 40])
def test_an_invalid_path_opens_the_first_page(path: str, sam: Client) -> None:
    page = sam.get(ADDRESS, {"path": path}).content.decode()
    assert "Replay the path" not in page


def test_no_bar_offers_the_end_of_a_sentence_that_the_guard_would_stop(sam: Client) -> None:
    """The rules read the text with each piece, so the piece that would complete it is withheld."""
    text = "I am going to kill"
    assert " myself" in [one["token"] for one in get_chances(text)]
    page = ask(sam, text)
    assert not any(pick.endswith(" myself") for pick in read_picks(page))
    assert "not shown here" in page


def test_a_pick_that_makes_the_text_a_cry_for_help_gets_the_card(sam: Client, parent: Person) -> None:
    before = count_entries(parent)
    page = ask(sam, "I want to kill", pick="0| myself")
    assert "card-crisis" in page
    assert count_entries(parent) == before


def test_the_hold_is_settled_with_what_the_run_used(sam: Client, parent: Person) -> None:
    page = ask(sam)
    assert re.search(r"used \d+ tokens of your allowance", page)
    assert get_held(parent) == 0
