"""What `manage.py check` says of the crisis texts."""

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
    """A warning and no error: without a review the site works, and only the tutor is closed."""
    if is_tutor_open():
        return []
    return [
        Warning(
            "The tutor is closed: nobody is recorded to have reviewed the crisis texts.",
            hint="Set CRISIS_TEXTS_REVIEW to who did and when, as in “Dr A. Name, 2026-11-22”.",
            id="safeguarding.W001",
        )
    ]


@register
def check_remote_guard(**_options: object) -> list[CheckMessage]:
    """A guard that is named but cannot be asked would leave every answer to the local one, without a word."""
    if not settings.GUARD_PROVIDER:
        return []
    faults = []
    if settings.GUARD_PROVIDER not in GUARDS:
        faults.append(f"GUARD_PROVIDER must be one of {', '.join(GUARDS)}, or empty.")
    faults += [
        f"{name} must be set." for name in ("GUARD_BASE_URL", "GUARD_MODEL") if not getattr(settings, name)
    ]
    if settings.GUARD_TIMEOUT_SECONDS <= 0:
        faults.append("GUARD_TIMEOUT_SECONDS must be more than 0.")
    return [Error(f"The remote guard is half set up: {fault}", id="safeguarding.E002") for fault in faults]


@register
def check_texts(**_options: object) -> list[CheckMessage]:
    """A broken file is found when the site starts, and not when somebody needs it."""
    try:
        list_countries()
        for language in list_card_languages():
            load_card_texts(language)
        for language in datafile.list_languages(response_texts.FAMILY):
            response_texts.load_texts(language)
    except TextFileError as fault:
        return [Error(str(fault), id="safeguarding.E001")]
    return []


@register(Tags.security, deploy=True)
def check_guard(**_options: object) -> list[CheckMessage]:
    """Only with `--deploy`, as it takes a second or two: web and worker do not start with such a file either."""
    try:
        guard.load_guard()
    except (RuleError, ModelFileError) as fault:
        return [Error(f"The guard cannot be used: {fault}", id="safeguarding.E003")]
    return []
