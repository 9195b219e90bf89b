"""Finds text that email programs turn into links, and breaks it so that they do not (ADR 39)."""

import re
import unicodedata

from django.conf import settings

# Country-code top-level domains.
_COUNTRIES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg
ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh
gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr
kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf
ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm
sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf
ws ye yt za zm zw
"""
# Of 1,200 generic top-level domains, the common ones, those common in spam, and those reserved for examples.
_GENERIC = """
com org net edu gov mil int info biz name pro mobi aero coop museum jobs travel tel asia cat post xxx arpa
app dev page web site website online shop store tech xyz top club live life win winner bet casino poker
bingo click link links icu vip work works buzz fun world today news email mail support help loan loans
credit money cash bank finance bid gift gifts games game zip mov foo ing new cloud blog space host hosting
digital media agency company business services solutions network systems software global group center zone
academy school education university college community church health care clinic doctor dental fit fitness
yoga download stream video movie film music audio photo photos pics gallery art design studio style fashion
shoes jewelry beauty hair skin makeup pet pets dog horse garden farm food recipes pizza cafe bar pub
restaurant kitchen wine beer coffee tea tours holiday hotel flights cruises taxi limo auto car cars bike
parts repair tools build builders house homes estate property rent lease land city town place country
international market marketing sale sales deals discount coupons promo free best cool wow lol rocks sucks
ninja guru expert review reviews rip sex porn adult sexy dating singles date party events event tickets show
theater dance band radio press report wiki science trade trading forex crypto nft dao eth onion local lan
internal test example invalid localhost google amazon apple microsoft youtube android chrome social chat
forum meet team codes cyou sbs quest cfd autos boats monster mom hosts bond lat rest wang ren men faith
racing accountant cricket
"""
_OTHER_SCRIPTS = """
рф рус бг мкд срб укр бел қаз ελ ευ 中国 中國 公司 网络 網路 在线 商城 网址 香港 台湾 台灣 한국 닷컴 닷넷 みんな コム
"""
ENDINGS = frozenset([*_COUNTRIES.split(), *_GENERIC.split(), *_OTHER_SCRIPTS.split()])
# Abbreviations in names that end in a period, often without a space after it: "St.John".
_ABBREVIATIONS = "dr mr mrs ms mx st ste sta sto prof rev fr br sr jr ph dipl mag ing don dña hon capt lt sgt"
_NAME_ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())

_SCHEMES = "https?|ftps?|mailto|tel|sms|javascript|data|file|geo|callto|skype|whatsapp|tg"
_SCHEME = re.compile(rf"://|\b(?:{_SCHEMES}):\S|[a-z]:/\S", re.IGNORECASE)
_SIGNS = re.compile(r"[.:@]")
_WWW = re.compile(r"\bwww\d?\.\w", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@]@[^\s@]")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
# U+3002 and its half-width form separate the labels of a host name, as a period does.
_DOTS = ".\u3002\uff0e\uff61\u2024"


def has_hyperlink(text: str) -> bool:
    """Return whether an email program would find a link or an email address in a text, even with disguised letters."""
    if text.isascii() and not _SIGNS.search(text):
        return False
    folded = unicodedata.normalize("NFKC", text).replace("\u3002", ".")
    plain = "".join(character for character in folded if unicodedata.category(character)[0] != "M")
    if _SCHEME.search(plain) or _WWW.search(plain) or _MAILBOX.search(plain):
        return True
    return any(_is_host(match.group(), plain[match.end() :]) for match in _HOST.finditer(plain))


def _is_host(dotted: str, rest: str) -> bool:
    """Return whether `dotted` is a host name and not a personal name such as St.John, J.R.R, Dr.Who or M.Sc.

    `rest` is the text after it.
    """
    *before, ending = dotted.split(".")
    if all(label.isdigit() for label in [*before, ending]):
        return len(before) == 3  # noqa: PLR2004 - an address of four numbers
    # A path, query, fragment or port follows: programs link that, even with an ending that is not in ENDINGS.
    if len(ending) > 1 and ending.isalpha() and re.match(r"[/?#]\w|:\d", rest):
        return True
    folded_ending = ending.casefold()
    # The ASCII form of a domain in another script.
    if folded_ending.startswith("xn--"):
        return True
    if folded_ending not in ENDINGS:
        return False
    is_abbreviated = all(len(label) == 1 or label.casefold() in _NAME_ABBREVIATIONS for label in before)
    return not (is_abbreviated and ending[0].isupper())


def break_hyperlinks(text: str) -> str:
    """Insert a space wherever a link could begin, so that email programs do not turn a person's words into a link.

    A space ends an address in every program, works with screen readers and leaves the words legible:
    "evil. example / win". Idempotent.
    """
    # Times such as "6:50 p.m." stay as they are: no address ends like that.
    text = re.sub(rf"(?<=\S)([{_DOTS}])(?=\w)(?!(?<=\b[ap]\.)m\b)", r"\1 ", text)
    text = re.sub(rf"\b({_SCHEMES}):(?=\S)", r"\1: ", text, flags=re.IGNORECASE)
    text = re.sub(r":(?=/)", ": ", text)
    text = re.sub(r"/(?=/)", "/ ", text)
    return re.sub(r"(?<=\S)@(?=\S)", " @ ", text)


_WORD = re.compile(r"\S+")
# The characters of a path, without a second address after the first.
_PATH = r"(?:[/?#](?:(?!://)[\w\-./?=&%~#+:@!$*])*)?"


def break_foreign_hyperlinks(text: str) -> str:
    """Break every address in an email's text except this site's own, so that email programs do not link it."""
    own = re.compile(rf"[(\[<“‘\"']*{re.escape(settings.SITE_URL.rstrip('/'))}{_PATH}[)\]>”’\"'.,;:!?]*")

    def break_word(match: re.Match[str]) -> str:
        word = match.group()
        return word if own.fullmatch(word) or not has_hyperlink(word) else break_hyperlinks(word)

    return _WORD.sub(break_word, text)
