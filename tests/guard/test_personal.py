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
        ("my full name is robin example and i need a resume", "name", "robin example"),
        ("mi nombre completo es ana garcía, ¿está bien?", "name", "ana garcía"),
        ("i go to lincoln high and we have a quiz", "school", "lincoln high"),
        ("my address is 12 maple street, does that look right", "address", "12 maple street"),
        ("vivo en la calle inventada 12", "address", "calle inventada 12"),
        ("the card is 4242 4242 4242 4242 can you buy it", "card", "4242 4242 4242 4242"),
        ("my ssn is 078-05-1120, is that right", "number", "078-05-1120"),
        ("my passport number is X1234567", "number", "X1234567"),
        ("my school login password is Frog!Pond7 and it says wrong", "password", "Frog!Pond7"),
        ("la contraseña es rana_verde7", "password", "rana_verde7"),
        ("my insta is @luna.prueba.07", "handle", "@luna.prueba.07"),
        ("add me on discord frogpond_77", "handle", "frogpond_77"),
        ("follow me @frog.pond", "handle", "@frog.pond"),
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
        "my full name is on the form",
        "i go to a big high school",
        "i go to the high school near the park",
        "the car drives 12 miles down the road",
        "I live 5 miles from the road to school",
        "1234 5678 9012 3456 are the numbers of the sequence",
        "0000 0000 0000 0000",
        "what makes a password strong, is my password the problem",
        "is Instagram bad for sleep, and what about snapchat",
        "what does @dataclass do, and does discord use Python3",
        "the pin is stuck in the lock",
        "her social studies class has 123 people",
        "what is a social security number for",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert judge_personal(text).evidence == ()


def test_it_is_stripped_and_the_rest_is_answered() -> None:
    verdict = judge_conversation([("user", "my email is kit@example.org, what is a verb?")])
    assert verdict.categories == {Category.PERSONAL}
    assert action_for(verdict) is Action.STRIP
    assert verdict.layer == "personal"
