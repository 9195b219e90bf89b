"""What says who somebody is, and the exact place to strip."""

import pytest

from guard import Action, Category, action_for, judge_conversation
from guard.personal import judge_personal


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("mail me at kit.k+1@example.org, ok", "email", "kit.k+1@example.org"),
        ("my number is 555 013 4477", "phone", "555 013 4477"),
        ("text me +34 612 345 678 later", "phone", "+34 612 345 678"),
        ("(555) 013-4477", "phone", "(555) 013-4477"),
        ("I live at 12 Maple Street", "address", "12 Maple Street"),
        ("i live at 12 maple street", "address", "12 maple street"),
        ("Vivo en la Calle Mayor 5", "address", "Calle Mayor 5"),
        ("I go to Lincoln High School", "school", "Lincoln High School"),
        ("My name is Robin Example", "name", "Robin Example"),
        ("me llamo Ana García López", "name", "Ana García López"),
    ],
)
def test_a_detail_is_found_in_its_place(text: str, kind: str, found: str) -> None:
    (evidence,) = judge_personal(text).evidence
    assert (evidence.rule, text[evidence.start : evidence.end]) == (kind, found)


@pytest.mark.parametrize(
    "text",
    [
        "my name is Robin",
        "123-456 = -333",
        "solve 555 + 013 - 4477",
        "pi is 3.14159 26535",
        "the year 1914-1918 and 1939-1945",
        "I go to school by bus",
        "What does @property mean in Python?",
        "The White House is on a famous street",
        "x = 100 200 300",
        "1,234,567.89 rounded",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert judge_personal(text).evidence == ()


def test_it_is_stripped_and_the_rest_is_answered() -> None:
    verdict = judge_conversation([("user", "my email is kit@example.org, what is a verb?")])
    assert verdict.categories == {Category.PERSONAL}
    assert action_for(verdict) is Action.STRIP
    assert verdict.layer == "personal"
