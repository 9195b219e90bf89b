"""An answer ends where it only repeats itself, and nothing else does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.repetition import RepetitionDetector

ROOT = Path(__file__).resolve().parents[3]


def kept(text: str, size: int = 4) -> str | None:
    """Feed the text in pieces of `size` characters, and return what is kept of it; None without repetition."""
    detector = RepetitionDetector()
    for start in range(0, len(text), size):
        length = detector.feed(text[start : start + size])
        if length is not None:
            return text[:length]
    return None


INTRO = "Plants need light. "
LOOPS = {
    "a word": (INTRO + "They grow " + "green " * 20, INTRO),
    "letters within a word": (INTRO + "They feed them" + "self" * 30, INTRO),
    "a few letters": (INTRO + "So " + "ab" * 60, INTRO),
    "a phrase": (INTRO + "The sun is " + "a gentle soul, " * 12, INTRO),
    "a phrase after nothing": ("A gentle soul, " * 12, "A gentle soul, "),
    "a word after nothing": ("self" * 40, "self"),
    "a sentence": (INTRO + "This is what they need. " * 6, INTRO + "This is what they need. "),
    "two sentences": (
        INTRO + "They need water. They also need some air. " * 5,
        INTRO + "They need water. They also need some air. ",
    ),
    "a line": ("Here is a poem:\n" + "The rain falls on the sea\n" * 9, "Here is a poem:\nThe rain falls on the sea\n"),
    "numbered items": (
        "Here is a plan:\n" + "".join(f"- Day {day}: Review the material again\n" for day in range(1, 20)),
        "Here is a plan:\n- Day 1: Review the material again\n",
    ),
    "numbered items with days": (
        "A plan:\n" + "".join(f"{n}. **Day {n}-{n + 1}: Review**\n" for n in range(4, 20)),
        "A plan:\n4. **Day 4-5: Review**\n",
    ),
    "empty items": ("A plan:\n" + "".join(f"- Day {day}: \n" for day in range(1, 20)), "A plan:\n- Day 1: \n"),
    "two items in turn": (
        "A plan:\n" + "".join(f"{n}. Day {n}: {'Review it' if n % 2 else 'Finish it'}\n" for n in range(1, 30)),
        "A plan:\n1. Day 1: Review it\n2. Day 2: Finish it\n",
    ),
    "Spanish": ("Las plantas crecen. Son parte de " + "la vida de " * 9, "Las plantas crecen. "),
    "Spanish sentence": ("¿Qué es? " + "Es el cambio de la vida. " * 5, "¿Qué es? Es el cambio de la vida. "),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 3, 7, 10_000])
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_ends_after_the_last_whole_sentence(name: str, size: int) -> None:
    text, expected = LOOPS[name]
    found = kept(text, size)
    assert found is not None
    assert found.rstrip() == expected.rstrip()


def test_a_long_sentence_that_always_comes_back_ends_the_answer() -> None:
    refrain = "It is used to create and understand the language of people. "
    text = "".join(
        f"The model has part {name}. {refrain}" for name in ("one", "two", "three", "four", "five")
    )
    assert kept(text) == text[: text.index(refrain, text.index("four")) - 1]


def test_a_word_that_never_ends_is_noticed() -> None:
    detector = RepetitionDetector()
    assert any(detector.feed("self") is not None for _ in range(10))


REAL = {
    "emphasis": "That is very, very, very, very important! No, no, no. Yes yes yes.",
    "a refrain of two": (
        "The woods are lovely, dark and deep,\nBut I have promises to keep,\nAnd miles to go before I sleep,\n"
        "And miles to go before I sleep."
    ),
    "a song": (
        "We wish you a merry Christmas,\nWe wish you a merry Christmas,\nWe wish you a merry Christmas,\n"
        "And a happy new year.\n\n" * 2
    ),
    "a chorus": "".join(
        f"{verse} was the way we came.\n\nHooray and up she rises\nHooray and up she rises\nHooray and up she rises\n"
        "Early in the morning\n\n"
        for verse in ("Long", "Steep", "Cold", "Dark", "Wide")
    ),
    "syllables": "Fa la la la la, la la la la. Na na na na na na na na na na na na, hey Jude. Ha ha ha ha!",
    "laughter": "Jajajajajaja, hahahahaha, soooooo good, aaaaah!",
    "buffaloes": "Buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo buffalo is a sentence.",
    "a multiplication table": "".join(f"{a} x {b} = {a * b}\n" for a in (3, 7) for b in range(1, 13)),
    "a multiplication table in words": "".join(f"7 times {n} is {7 * n}.\n" for n in range(1, 13)),
    "tabla de multiplicar": "".join(f"{n}. 8 por {n} es igual a {8 * n}\n" for n in range(1, 13)),
    "a power": "2^10 is 2 times 2 times 2 times 2 times 2 times 2 times 2 times 2 times 2 times 2, or 1024.",
    "a power in words": "A million is ten times ten times ten times ten times ten times ten.",
    "a formula": r"$x^8 = x \cdot x \cdot x \cdot x \cdot x \cdot x \cdot x \cdot x$, $1+1+1+1+1+1+1+1+1+1+1+1+1=13$",
    "fractions": r"$\frac{1}{2} + \frac{1}{2} + \frac{1}{2} + \frac{1}{2} + \frac{1}{2} + \frac{1}{2} = 3$",
    "numbers": "1/3 = 0.33333333333333333333333333333333333333, and 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 in unary; "
    "0101010101010101010101010101 in binary; 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0.",
    "a strand of DNA": "Huntington's disease: " + "CAG" * 40 + ", and telomeres: " + "TTAGGG" * 12,
    "a table": "| day | done |\n|---|---|\n" + "| yes | yes | yes | yes | yes | yes | yes |\n" * 8,
    "code": "```python\n" + "print('hello')\n" * 12 + "go go go go go go go go go go go go go go\n```\nIt prints that.",
    "a week": "".join(
        f"- {day}: 30 minutes of reading\n"
        for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    ),
    "seven days": "".join(f"Day {day}: Learn ten words\n" for day in range(1, 8)),
    "chapters": "".join(f"- Day {day}: Read chapter {day} and make notes\n" for day in range(1, 15)),
    "an answer key": "".join(f"{n}. {'True' if n % 5 else 'False'}\n" for n in range(1, 25)),
    "short answers": "Is it alive?\nYes\nYes\nNo\nYes\nYes\nYes\nNo\n",
    "blanks": "Name: ______________\n" + "______________________________\n" * 12 + "* * * * * * * * * * * *\n------\n",
    "bottles": "".join(f"{n} bottles of milk on a wall, {n} bottles. Take one down.\n" for n in range(20, 9, -1)),
    "capitals": "".join(f"The capital of {land} is {city}. " for land, city in (
        ("France", "Paris"), ("Spain", "Madrid"), ("Italy", "Rome"), ("Peru", "Lima"), ("Cuba", "Havana"),
        ("Chile", "Santiago"), ("Norway", "Oslo"), ("Egypt", "Cairo"), ("Japan", "Tokyo"), ("Kenya", "Nairobi"))),
    "primes": "".join(f"{n} is a prime number. " for n in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)),
    "canción": "Los pollitos dicen pío, pío, pío,\ncuando tienen hambre, cuando tienen frío.\n" * 2,
    "énfasis": "Es muy, muy, muy, muy importante. Poco a poco, paso a paso, día a día.",
    "conjugation": "I have been, you have been, he has been, she has been, we have been, they have been.",
    "steps": "".join(
        f"**Step {n}.** Add {n} to both sides of the equation. Simplify both sides.\n" for n in range(1, 10)
    ),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize("name", REAL)
def test_what_people_write_does_not_end(name: str, size: int) -> None:
    assert kept(REAL[name] + "\nThat is it.\n", size) is None


TEXTS = sorted(
    {*(ROOT / "courses" / "content").rglob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "CHANGELOG.md"}
)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_lessons_and_documents_do_not_end(path: Path) -> None:
    text = path.read_text()
    assert kept(text, 6) is None


VOCABULARY = ["the", "cat", "sat", "on", "a", "mat", "and", "then", "ran", "from", "3", "big", "dogs"]
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=3, max_size=9)


@given(
    st.lists(WORDS, max_size=30, unique_by=tuple),
    st.sampled_from([". ", "\n", "! ", ".\n\n"]),
    st.integers(1, 40),
)
def test_different_sentences_are_never_cut(sentences: list[list[str]], mark: str, size: int) -> None:
    text = "".join(f"{' '.join(words)}{mark}" for words in sentences)
    assert kept(text, size) is None


@given(st.lists(WORDS, max_size=12, unique_by=tuple), st.sampled_from([". ", "\n", "! "]), st.integers(1, 40))
def test_a_loop_loses_nothing_but_its_copies(sentences: list[list[str]], mark: str, size: int) -> None:
    text = "".join(f"{' '.join(words)}{mark}" for words in sentences)
    loop = f"Rain falls on my little house{mark}"
    found = kept(text + loop * 9, size)
    assert found is not None
    assert found.rstrip() == (text + loop).rstrip()


@given(st.text(max_size=400), st.integers(1, 40))
def test_any_text_can_be_read(text: str, size: int) -> None:
    detector = RepetitionDetector()
    for start in range(0, len(text), size):
        length = detector.feed(text[start : start + size])
        assert length is None or 0 < length <= len(text)
    assert 0 <= detector.get_last_end() <= len(text)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("Rain falls. It comes from clo", "Rain falls."),
        ("Rain falls. It comes.", "Rain falls. It comes."),
        ('He said: "Rain falls."', 'He said: "Rain falls."'),
        ("- Day 1: Read\n- Day 2: Wri", "- Day 1: Read"),
        ("Read it.\n1. Write it.\n2.", "Read it.\n1. Write it."),
        ("It is 3.5 and", ""),
        ("Rain that falls", ""),
        ("", ""),
    ],
)
def test_the_last_end_is_that_of_a_whole_sentence_or_line(text: str, end: str) -> None:
    detector = RepetitionDetector()
    for character in text:
        assert detector.feed(character) is None
    assert text[: detector.get_last_end()].rstrip() == end
