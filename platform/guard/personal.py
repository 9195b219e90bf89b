"""What says who somebody is or where they live, with exact places, so that it can be taken out of a text."""

import re
from collections.abc import Iterator

from guard.verdict import Category, Evidence, Level, Verdict

LAYER = "personal"
_STREET = (
    "street|st|avenue|ave|road|rd|drive|dr|lane|ln|court|ct|boulevard|blvd|way|place|pl|terrace|close|crescent|"
    "circle|cir|highway|hwy|parkway|pkwy|trail|square"
)
_CALLE = "calle|c/|avenida|avda\\.?|av\\.|plaza|paseo|carrera|camino|carretera"
_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’-]+"
_SCHOOL = "elementary|primary|middle|high|secondary|grammar|junior high|prep|charter|catholic|community"
# A number is a phone's only where it is written like one: exercises are full of numbers.
_PHONE = (
    r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-]|[.,]\d)"
    r"|(?<![\w.,/-])\+\d{1,3}(?:[ .-]?\d{2,4}){2,4}(?![\w-])"
    r"|(?<![\w.,/-])0\d{3,4}[ -]\d{3}[ -]?\d{3,4}(?![\w-])"
    r"|(?i:\b(?:phone|number is|call me|text me|whatsapp|cell|mobile|telefono|teléfono|movil|móvil|número es)"
    r"\b\D{0,20}?)(?P<phone>\+?\d[\d .()-]{5,16}\d)"
)
_KINDS = {
    "email": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"),
    "phone": re.compile(_PHONE),
    "address": re.compile(
        rf"(?<![\w.,/])\d{{1,5}}[A-Za-z]? (?:(?:[NSEW]|North|South|East|West)\.? )?"
        rf"(?:{_NAME} ){{1,3}}(?i:{_STREET})\b\.?"
        rf"|(?i:\bi live (?:at|on) )(?P<at>\d{{1,5}} (?:[\w'’-]+ ){{1,3}}(?i:{_STREET})\b\.?)"
        rf"|(?i:\b(?:{_CALLE}) )(?:(?:de|del|la|las|los|el) ){{0,2}}(?:{_NAME} ?){{1,3}},? ?(?:n[º°o]\.? ?)?\d{{1,4}}\b"
    ),
    "school": re.compile(
        rf"(?i:\b(?:i (?:go|went) to|i attend|i(?:'|’)?m (?:at|a student at)|my school is(?: called)?|student at) )"
        rf"(?P<school>(?:(?:the|St\.?|Saint) )?(?:{_NAME} ){{1,4}}"
        rf"(?:(?i:{_SCHOOL}) )?(?i:school|academy|high|middle|elementary|prep)\b)"
        rf"|(?i:\bmy school is called )(?P<called>(?:{_NAME} ?){{1,4}})"
        r"|(?i:\b(?:voy a|estudio en|mi (?:escuela|instituto|colegio) (?:es|se llama)) (?:el |la )?)"
        rf"(?P<colegio>(?i:ies|instituto|colegio|escuela|ceip) (?:{_NAME} ?){{1,4}})"
    ),
    "name": re.compile(
        rf"(?i:\b(?:my (?:full )?name is|my name(?:'|’)s|i(?:'|’)?m called|me llamo|mi nombre(?: completo)? es) )"
        rf"(?P<name>{_NAME}(?: {_NAME}){{1,3}})"
    ),
}
_MOST = 16384
"""Personal details at the very end of a text longer than any message are left to whoever cuts it."""


def personal_in(text: str) -> Iterator[Evidence]:
    """Each detail, with its kind and its exact place. Takes time in proportion to the text's length."""
    for kind, pattern in _KINDS.items():
        for match in pattern.finditer(text, 0, _MOST):
            named = next((name for name, value in match.groupdict().items() if value), 0)
            start, end = match.span(named)
            yield Evidence(LAYER, kind, start, start + len(text[start:end].rstrip()))


def judge_personal(text: str) -> Verdict:
    """Whether a text says who somebody is; its evidence is what to strip."""
    found = tuple(personal_in(text))
    categories = frozenset({Category.PERSONAL}) if found else frozenset()
    return Verdict(Level.NONE, categories, found, layer=LAYER)
