"""Finds personal details, addresses and passwords, with exact positions so that they can be removed."""

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
_WORD = r"[\w'’-]+"
_SCHOOL = "elementary|primary|middle|high|secondary|grammar|junior high|prep|charter|catholic|community"
# A lower-case word is a name only after certain words, and only up to a word that continues the sentence.
_GOES_ON = (
    r"(?:and|but|or|so|if|is|was|i|im|my|on|in|at|for|from|with|the|a|an|to|that|which|who|can|could|would|please|pls|"
    r"y|e|o|pero|que|en|de|por|con|si|mi|soy|tengo|vivo|es)\b"
)
_SMALL = rf"(?!{_GOES_ON}){_WORD}"
_LIVE = (
    r"(?i:\b(?:i live|i(?:'|’)?m living|we live|my house is|my address is|my home address is|come over to|"
    r"ship (?:it )?to|send (?:it )?to|pick me up|we moved)(?: at| on| to| from)?:? )"
)
_FAR = r"(?:miles?|km|kilomet\w+|m|min|minutes?|hours?|blocks?|houses?)\b"
_VIVO = r"(?i:\b(?:vivo|vivimos|mi direcci[oó]n es|mi casa est[aá])(?: en)?(?: la| el)? )"
# A number is a phone number only in its usual format, because exercises are full of numbers.
_PHONE = (
    r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-]|[.,]\d)"
    r"|(?<![\w.,/-])\+\d{1,3}(?:[ .-]?\d{2,4}){2,4}(?![\w-])"
    r"|(?<![\w.,/-])0\d{3,4}[ -]\d{3}[ -]?\d{3,4}(?![\w-])"
    r"|(?i:\b(?:phone|my number is|call me|text me|whatsapp|cell|mobile|telefono|teléfono|movil|móvil|mi número es)"
    r"\b\D{0,20}?)(?P<phone>\+?\d[\d .()-]{5,16}\d)"
)
_WHOSE = (
    r"(?:mom|mum|mother|dad|father|brother|sister|cousin|aunt|uncle|grandma|grandpa|best friend|friend|boyfriend|"
    r"girlfriend|neighbou?r|teacher|coach|boss)"
)
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|enero|febrero|marzo|abril|mayo|junio|julio|agosto|"
    r"septiembre|octubre|noviembre|diciembre)[a-z]*"
)
_DATE = (
    rf"\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:19|20)\d\d|(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?(?: of| de)? {_MONTH})(?:,? |,| de(?:l)? )(?:19|20)\d\d"
)
_APP = r"(?:insta(?:gram)?|snap(?:chat)?|tiktok|discord|twitter|telegram|roblox|steam|kik|ig|tt|sc)"
_KINDS = {
    "email": r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])",
    "phone": _PHONE,
    "address": (
        rf"(?<![\w.,/])\d{{1,5}}[A-Za-z]? (?:(?:[NSEW]|North|South|East|West)\.? )?"
        rf"(?:{_NAME} ){{1,3}}(?i:{_STREET})\b\.?"
        rf"|{_LIVE}(?P<at>\d{{1,5}}[a-z]? (?!{_FAR})(?:{_WORD} ){{1,3}}(?i:{_STREET})\b\.?)"
        rf"|(?i:\b(?:{_CALLE}) )(?:(?:de|del|la|las|los|el) ){{0,2}}(?:{_NAME} ?){{1,3}},? ?(?:n[º°o]\.? ?)?\d{{1,4}}\b"
        rf"|(?i:\b(?:our|my) (?:house|home|flat|apartment)\b)[^.!?\n]{{0,40}}? (?:at|on) "
        rf"(?P<house>\d{{1,5}}[a-z]? (?!{_FAR})(?:{_WORD} ){{1,3}}(?i:{_STREET})\b\.?)"
        r"|(?i:\bmy (?:home )?address is:? )(?P<told>\d{1,5}[a-z]? [^.!?\n,]{4,60})"
        r"|(?i:\bmy (?:zip|post ?code|postal code|zip code)(?: is|:) )(?P<zip>[A-Za-z0-9]{3,5}(?: ?\d[A-Za-z]{2})?\b)"
        rf"|{_VIVO}(?P<en>(?i:{_CALLE}) (?:{_WORD} ){{1,4}}?(?:n[º°o]\.? ?|número )?\d{{1,4}}\b)"
    ),
    "school": (
        rf"(?i:\b(?:i (?:go|went) to|i attend|i(?:'|’)?m (?:at|a student at)|my school is(?: called)?|student at) )"
        rf"(?P<school>(?:(?:the|St\.?|Saint) )?(?:{_NAME} ){{1,4}}"
        rf"(?:(?i:{_SCHOOL}) )?(?i:school|academy|high|middle|elementary|prep)\b)"
        rf"|(?i:\bmy school is called )(?P<called>(?:{_NAME} ?){{1,4}})"
        rf"|(?i:\b(?:i go(?: to)?|i attend|my school is(?: called)?) )"
        rf"(?P<small>(?!(?:a|an|the|my|this|that|our|public|private|online|high|middle|your|another|some)\b)"
        rf"(?:{_SMALL} ){{1,3}}(?i:high|middle|elementary|academy|prep)\b(?: school\b)?)"
        rf"|(?i:\b(?:my|we|i|i(?:'|’)?m)\b)[^.!?\n]{{0,40}}? (?i:from|at) "
        rf"(?P<from>(?:(?:St\.?|Saint) )?(?:{_NAME} ){{1,3}}"
        r"(?:School|High(?: School)?|Middle(?: School)?|Elementary(?: School)?|Academy|Prep)\b)"
        rf"|(?i:\b(?:i(?:'|’)?m|i am)\b)[^.!?\n]{{0,30}}? (?i:from|at) "
        rf"(?P<of>(?!(?:a|an|the|my|this|that|our|public|private|junior|high|middle|all|its)\b)"
        rf"(?:{_SMALL} ){{1,2}}(?i:high|middle|elementary|academy|prep)\b(?: school\b)?)"
        rf"|(?i:\b(?:my school is|mi (?:escuela|colegio) es)(?: el| la)? )(?P<is>(?:St\.? )?{_NAME}(?: {_NAME}){{1,3}})"
        r"|(?i:\b(?:voy al?|estudio en|mi (?:escuela|instituto|colegio) (?:es|se llama)) (?:el |la )?)"
        rf"(?P<colegio>(?i:ies|instituto|colegio|escuela|ceip) (?:{_NAME} ?){{1,4}})"
    ),
    "name": (
        rf"(?i:\b(?:my (?:full |real |whole )?name is|my name(?:'|’)?s|i(?:'|’)?m called|me llamo|"
        rf"mi nombre(?: completo| real)? es) )(?P<name>{_NAME}(?: {_NAME}){{1,3}})"
        rf"|(?i:\b(?:my (?:full|real|whole) name(?:'|’)?s?(?: is)?|mi nombre completo es):? )"
        rf"(?P<whole>{_SMALL}(?: {_SMALL}){{1,3}})"
        rf"|\b(?:[Ss]oy|[Tt]his is) (?P<soy>{_NAME} {_NAME})(?=,| y | de | from | and i|$)"
        rf"|\b[Ii](?:(?:'|’)?m| am) (?P<am>{_NAME} {_NAME})(?=, \d| from |,? and i(?:'|’)?m )"
        rf"|(?i:\bmy {_WHOSE}(?:(?:'|’)?s)?(?: (?:full |real )?name(?: is|:)| is called|,)? )(?P<whose>{_NAME} {_NAME})"
    ),
    "birthday": (
        r"(?i:(?:\b(?:my (?:birthday|birth date|date of birth|dob)|i was born|nac[ií]|mi cumpleaños)|^born)\b\D{0,12}"
        rf"(?P<born>{_DATE}))"
    ),
    "card": r"(?<![\w.,/-])(?P<card>\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7})(?![\w.,/-]*\d)",
    "number": (
        r"(?i:\b(?:ssn|social security(?: number)?|social)\b[^\d\n]{0,12})(?P<ssn>\d{3}[ -]?\d{2}[ -]?\d{4}\b)"
        r"|(?i:\b(?:passport|student id|license|licence|dni|nie|curp|pasaporte|medicare|nhs)"
        r"(?: (?:number|no\.?|número))?(?: is| es|:) )(?P<paper>[A-Za-z0-9-]{0,12}\d[A-Za-z0-9-]{3,16})"
    ),
    "password": (
        r"(?i:\b(?:my|our|moms?|dads?|his|her|the (?:wifi|router|door|school)|mi|la) [\w' ’]{0,24}?"
        r"(?:password|passcode|pass code|login|pin|contraseña|clave)(?: is|'s|’s| es|:| =) ?)"
        r"(?P<password>(?=\S*[\d!@#$%^&*_+])[^\s,;]{4,40})"
    ),
    "handle": (
        rf"(?i:\b{_APP}\b(?: (?:is|it(?:'|’)?s|name is|handle is|user(?:name)? is|es|tag is))?:? ?)"
        r"(?P<handle>@[\w.]{2,30}\w|[A-Za-z][\w.]*[\d_][\w.]*\w)"
        r"|(?i:\b(?:add|follow|dm|message|find|sígueme|agrégame)(?: me)?(?: (?:on|at|en) (?:\w+ ){0,2})?:? ?)"
        r"(?P<at>@[\w.]{2,30}\w)"
        r"|(?<![\w#])(?P<tag>[A-Za-z][\w.]{2,31}#\d{4})(?!\w)"
    ),
    "ip": r"(?i:\b(?:my|our) ip(?: address)?(?: is|:) )(?P<ip>\d{1,3}(?:\.\d{1,3}){3})",
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _KINDS.items()}
_MAX_SEARCHED_LENGTH = 16384
"""No message is longer."""


def find_personal_details(text: str) -> Iterator[Evidence]:
    """Return each personal detail with its type and position, in linear time."""
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text, 0, _MAX_SEARCHED_LENGTH):
            group_name = next((name for name, value in match.groupdict().items() if value), 0)
            start, end = match.span(group_name)
            detail = text[start:end].rstrip(" .")
            if kind != "card" or _has_valid_check_digit(detail):
                yield Evidence(LAYER, kind, start, start + len(detail))


def judge_personal(text: str) -> Verdict:
    """Judge whether a text contains personal details; the evidence is what to remove."""
    details = tuple(find_personal_details(text))
    categories = frozenset({Category.PERSONAL}) if details else frozenset()
    return Verdict(Level.NONE, categories, details, layer=LAYER)


def _has_valid_check_digit(number: str) -> bool:
    """Return whether a number has the check digit of a payment card (ISO/IEC 7812-1, Luhn)."""
    digits = [int(character) for character in reversed(number) if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and any(digits)
