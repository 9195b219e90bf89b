"""Lessons and briefings are in US English."""

import re
from pathlib import Path

import pytest

from courses.authoring.source import CONTENT_ROOT

# Not shown: they hold the words of people who search, wherever they learned English.
HIDDEN = re.compile(r"^:::(?:asked|phrases)\n.*?^:::$", re.DOTALL | re.MULTILINE)
SOURCE_TITLE = re.compile(r'^id = ".*"\ntitle = ".*"$', re.MULTILINE)
BRITISH = re.compile(
    r"""\b(
    maths | practis(?:e|es|ed|ing) | counsell\w+ | judgement\w* | ageing | adverts? | towards | whilst | amongst
    | neighbour\w* | \w*colour\w* | favour\w* | behaviour\w* | honour\w* | humour\w* | labour\w*
    | (?:apolog|organ|recogn|real|summar|emphas|critic|memor|general|special|minim|maxim|priorit)is(?:e|es|ed|ing|ation)
    | analys(?:e|es|ed|ing) | centres? | metres? | litres? | theatres? | licence\w* | defence | offence | pretence
    | programmes? | catalogues? | cheques? | grey | sceptic\w* | enrol(?:s|ment)? | fulfil(?:s|ment)? | mould\w*
    | cancell(?:ed|ing) | labell(?:ed|ing) | travell\w+ | modell(?:ed|ing) | learnt | spelt | burnt | dreamt | tyres?
    | mum | mums | fortnight\w* | timetables? | primary\ schools? | secondary\ schools? | school\ reports?
    | exam\ boards? | on\ holiday | on\ a\ holiday | at\ the\ weekend | mobile\ phones? | telephone\ numbers?
    | (?:bad|good|same|homework|practice|lower|higher)\ marks? | marks\ (?:on|for|rose|with|or) | the\ other\ way\ round
    | (?:goes|going)\ round | any\ more(?=[.,;?])
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
FILES = sorted((CONTENT_ROOT / "en").rglob("*.md"))


def list_british_words(text: str) -> list[str]:
    shown = SOURCE_TITLE.sub("", HIDDEN.sub("", text))
    return [found[0] for found in BRITISH.finditer(shown)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_text_has_no_british_words(path: Path) -> None:
    assert list_british_words(path.read_text()) == []


def test_the_words_that_people_search_with_may_be_british() -> None:
    assert list_british_words("Good marks for maths.") == ["Good marks", "maths"]
    assert list_british_words(":::phrases\ngood marks for maths\n:::\nGood grades for math.") == []
