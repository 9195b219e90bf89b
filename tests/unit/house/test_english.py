"""The search for English on Spanish pages finds it where people would read or hear it."""

import pytest

from tests.english import find_english


@pytest.mark.parametrize(
    "page",
    [
        "<p>De 13 to 14 años</p>",
        "<p>25 minutes</p>",
        "<time>November 23, 2026</time>",
        "<button>Save</button>",
        '<a aria-label="Your account:">Noor</a>',
        '<input type="submit" value="Sign in">',
        '<meta name="description" content="Families learn what AI is.">',
        '<p lang="en">Hello</p><p>You and me</p>',
        "<br><p lang='en'>A<img>B</p>Sign out",
    ],
)
def test_finds_english(page: str) -> None:
    assert len(find_english(page)) == 1


@pytest.mark.parametrize(
    "page",
    [
        "<p>De 13 a 14 años, has leído 25 minutos</p>",
        '<p>Fuente: <cite lang="en">How Teens Use and View AI</cite></p>',
        "<code>the_name_of_it</code>",
        '<p translate="no">1-what-it-is.md</p>',
        "<p><bdi>Whoever you are</bdi> te invita</p>",
        "<p>Kitchen Table, Crisis Text Line</p>",
        "<script>if (this) that()</script>",
        '<html lang="es"><p>No</p></html>',
    ],
)
def test_leaves_out_what_is_not_english_or_says_that_it_is(page: str) -> None:
    assert find_english(page) == []


def test_leaves_out_names() -> None:
    assert find_english("<h1>What it is</h1>", names=["What it is"]) == []
