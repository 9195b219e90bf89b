"""The one rule for text that people type: how it is spelled inside, and how long it is.

A letter can be written as one character or as a letter and its mark, and a line can end in three ways. A search finds
what it looks for, and two programs count the same, only where one way is used. static/js/letters.js counts alike.
"""

import re
import unicodedata

# What browsers, PDF files and other systems end a line or a page with.
_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
# A place where a word may be broken, and the mark at the beginning of a file: both come along with what is copied.
_LEFT_OUT = dict.fromkeys(map(ord, "\u00ad\ufeff"))
# Controls that say nothing in prose; PostgreSQL takes no NUL. A tab and a line's end are kept.
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ") | {ord("\t"): "\t", ord("\n"): "\n"}
# Half of a character, as a program's JSON can have it: no database and no page can write that.
_HALVES = re.compile("[\ud800-\udfff]")


def normalize_text(text: str) -> str:
    """Text as it is judged, counted, stored and searched: composed letters (NFC), and "\\n" at the end of a line.

    Joiners and marks of direction stay, as emoji, Persian, Hindi and Hebrew need them. Nothing is cut or stripped.
    """
    text = _LINE_END.sub("\n", text)
    text = _HALVES.sub("\ufffd", text.translate(_CONTROLS).translate(_LEFT_OUT))
    return unicodedata.normalize("NFC", text)


def normalize_line(text: str) -> str:
    """The same for one line, such as a title or a search: each run of white space is one space."""
    return " ".join(normalize_text(text).split())
