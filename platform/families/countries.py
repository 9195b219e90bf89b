"""Countries: ISO 3166-1 codes from the time zone database, names from Unicode CLDR."""

import unicodedata
from functools import cache
from importlib.resources import files

from babel import Locale

from kit.languages import get_page_language


@cache
def list_country_codes() -> frozenset[str]:
    """Return all two-letter codes of ISO 3166-1. Babel alone also knows the EU, Kosovo and test codes."""
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line.split("\t")[0] for line in table.splitlines() if line and not line.startswith("#"))


def get_country_name(code: str) -> str:
    """Return the country's name in the reader's language, or the code if it is unknown."""
    return _load_names(get_page_language()).get(code, code)


def list_country_choices() -> list[tuple[str, str]]:
    """Return pairs of code and name, sorted by name."""
    names = _load_names(get_page_language())
    return sorted(names.items(), key=lambda pair: _sort_key(pair[1]))


@cache
def _load_names(language: str) -> dict[str, str]:
    territories = Locale.parse(language, sep="-").territories
    return {code: territories[code] for code in list_country_codes()}


def _sort_key(name: str) -> str:
    """Ignore accents, so that Åland and Égypte are sorted where people look for them."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
