"""System checks of the crisis texts and the guard."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name

import guard
from encoders import ModelFileError
from guard.remote import GUARDS
from guard.rules import RuleError
from safeguarding import datafile, response_texts
from safeguarding.cards import list_card_languages, load_card_texts
from safeguarding.datafile import TextFileError
from safeguarding.helplines import list_countries
from safeguarding.review import is_tutor_open


@register
def check_review(**_options: object) -> list[CheckMessage]:
    """A warning, not an error: without a review the site works, and only the tutor is closed."""
    if is_tutor_open():
        return []
    return [
        Warning(
            "The tutor is closed: no review of the crisis texts is recorded.",
            hint="Set CRISIS_TEXTS_REVIEW to the reviewer and the date, as in “Dr A. Name, 2026-11-22”.",
            id="safeguarding.W001",
        )
    ]


@register
def check_remote_guard(**_options: object) -> list[CheckMessage]:
    """A remote guard that is half configured would silently leave every answer to the local one."""
    if not settings.GUARD_PROVIDER:
        return []
    problems = []
    if settings.GUARD_PROVIDER not in GUARDS:
        problems.append(f"GUARD_PROVIDER must be one of {', '.join(GUARDS)}, or empty.")
    problems += [
        f"{name} must be set." for name in ("GUARD_BASE_URL", "GUARD_MODEL") if not getattr(settings, name)
    ]
    if settings.GUARD_TIMEOUT_SECONDS <= 0:
        problems.append("GUARD_TIMEOUT_SECONDS must be more than 0.")
    return [
        Error(f"The remote guard is half configured: {problem}", id="safeguarding.E002")
        for problem in problems
    ]


@register
def check_texts(**_options: object) -> list[CheckMessage]:
    """Find broken text files at startup, before a person needs them."""
    try:
        list_countries()
        for language in list_card_languages():
            load_card_texts(language)
        for language in datafile.list_languages(response_texts.FAMILY):
            response_texts.load_texts(language)
    except TextFileError as error:
        return [Error(str(error), id="safeguarding.E001")]
    return []


@register(Tags.security, deploy=True)
def check_guard(**_options: object) -> list[CheckMessage]:
    """Runs only with `--deploy` because it takes seconds. Web and worker also refuse to start with a broken guard."""
    try:
        guard.load_guard()
    except (RuleError, ModelFileError) as error:
        return [Error(f"The guard cannot be used: {error}", id="safeguarding.E003")]
    return []
