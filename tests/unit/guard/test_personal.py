"""Personal details are found at their exact positions."""

import pytest

from guard import Action, Category, action_for, judge_conversation
from guard.personal import judge_personal


@pytest.mark.parametrize(
    ("text", "kind", "detail"),
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
        ("on discord it's frogpond#7700", "handle", "frogpond#7700"),
        ("hi im robin example from lincoln high", "school", "lincoln high"),
        ("my coach at Lincoln High yelled", "school", "Lincoln High"),
        ("my school is Colegio San Ejemplo", "school", "Colegio San Ejemplo"),
        ("our house is the blue one at 9 elm court", "address", "9 elm court"),
        ("my address is 7 rue des exemples, lyon", "address", "7 rue des exemples"),
        ("my zip code is 00501", "address", "00501"),
        ("I'm Robin Example, 15", "name", "Robin Example"),
        ("soy Ana García de la prepa", "name", "Ana García"),
        ("my friend Robin Example told me a secret", "name", "Robin Example"),
        ("my mom's name is Ana García", "name", "Ana García"),
        ("my birthday is march 4 2011", "birthday", "march 4 2011"),
        ("nací el 4 de marzo de 2011", "birthday", "4 de marzo de 2011"),
        ("born 04/03/2011 so how old am i", "birthday", "04/03/2011"),
        ("my ip is 192.0.2.7", "ip", "192.0.2.7"),
    ],
)
def test_a_detail_is_found_in_its_place(text: str, kind: str, detail: str) -> None:
    (evidence,) = judge_personal(text).evidence
    assert (evidence.rule, text[evidence.start : evidence.end]) == (kind, detail)


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
        "Lincoln was born on February 12, and when was Darwin born",
        "the unemployment rate is at its all time high",
        "i'm at the end of middle school",
        "I'm Mexican American and my essay is on borders",
        "my friend said Romeo Montague is silly",
        "This is Sparta",
        "our house is on a hill, at 300 metres",
        "what does my ip address say about me",
        "an array like a#1234 in css",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert judge_personal(text).evidence == ()


def test_personal_data_is_redacted_and_the_rest_is_answered() -> None:
    verdict = judge_conversation([("user", "my email is kit@example.org, what is a verb?")])
    assert verdict.categories == {Category.PERSONAL}
    assert action_for(verdict) is Action.REDACT
    assert verdict.layer == "personal"
