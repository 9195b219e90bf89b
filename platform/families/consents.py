"""Consent to a teen's use of the tutor: given, withdrawn, asked again when its words change, kept as evidence."""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.age import age_at
from accounts.models import Person
from families.errors import NotTheirsToGive
from families.models import Consent
from families.notices import notice_send
from families.selectors import parents_of

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class ConsentText:
    """The words that are agreed to. `hash` proves which ones they were."""

    version: str
    title: str
    points: tuple[str, ...]

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps([self.title, self.points]).encode()).hexdigest()


def text_now() -> ConsentText:
    """Today's words in the reader's language, or in English. The version is the same in every language."""
    language = get_language() or "en"
    return _text_in(language if language in _languages() else "en")


@cache
def _languages() -> set[str]:
    return {file.suffixes[0].removeprefix(".") for file in DATA.glob("consent.*.toml")}


@cache
def _text_in(language: str) -> ConsentText:
    data = tomllib.loads((DATA / f"consent.{language}.toml").read_text(encoding="utf-8"))
    return ConsentText(data["version"], data["title"], tuple(data["points"]))


@cache
def _ages() -> dict[str, int]:
    return tomllib.loads((DATA / "ages.toml").read_text(encoding="utf-8"))


def countries() -> list[str]:
    """The countries that have an age of their own in the table."""
    return sorted(code for code in _ages() if code != "default")


def own_age(country: str) -> int:
    """From which age somebody in `country` (ISO 3166; "" elsewhere) consents by themselves."""
    return _ages().get(country.upper(), _ages()["default"])


def may_consent_alone(teen: Person, country: str) -> bool:
    """Whether a teen is old enough in `country`; never, while the month of their birth is not known."""
    return teen.born is not None and age_at(born=teen.born, on=timezone.localdate()) >= own_age(country)


def consent_of(teen: Person) -> Consent | None:
    """The consent that opens the tutor to a teen: to today's words, and not withdrawn."""
    return Consent.objects.filter(teen=teen, version=text_now().version, withdrawn_at=None).first()


def consents_about(person: Person) -> QuerySet[Consent]:
    """The evidence that somebody may have: every consent about them, and every one that they gave."""
    return (Consent.objects.filter(teen=person) | Consent.objects.filter(given_by=person)).distinct()


@transaction.atomic
def consent_give(*, teen: Person, by: Person, country: str) -> Consent:
    """Record that `by` agrees to today's words. Giving it twice gives it once.

    Raises NotTheirsToGive unless `by` is a parent who is linked to the teen, or the teen, old enough in `country`.
    """
    given_as = "teen" if by == teen else "parent"
    if not (may_consent_alone(teen, country) if by == teen else parents_of(teen).filter(pk=by.pk).exists()):
        raise NotTheirsToGive
    # The teen's row is the lock: of two who give at once, one finds the other's.
    Person.objects.select_for_update().get(pk=teen.pk)
    standing = consent_of(teen)
    if standing:
        return standing
    text = text_now()
    consent = Consent.objects.create(
        teen=teen,
        given_by=by,
        given_by_name=str(by),
        given_as=given_as,
        version=text.version,
        text_hash=text.hash,
        country=country.upper(),
        age=age_at(born=teen.born, on=timezone.localdate()) if teen.born else None,
    )
    if by != teen:
        notice_send(person=teen, words=_("%(who)s agreed that you may use the tutor.") % {"who": by})
    return consent


@transaction.atomic
def consent_withdraw(*, teen: Person, by: Person) -> bool:
    """Close the tutor to a teen by withdrawing every consent that stands. False when none did.

    The teen may, and so may a linked parent. Raises NotTheirsToGive for anybody else.
    """
    if by != teen and not parents_of(teen).filter(pk=by.pk).exists():
        raise NotTheirsToGive
    if not Consent.objects.filter(teen=teen, withdrawn_at=None).update(withdrawn_at=timezone.now()):
        return False
    told = [teen, *parents_of(teen)]
    for person in told:
        if person != by:
            words = _("%(who)s withdrew the consent to the tutor. It is closed until somebody agrees again.")
            notice_send(person=person, words=words % {"who": by})
    return True
