"""System checks of the crisis texts and the guard."""

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name

import guard
from encoders import ModelFileError
from guard.remote import GUARDS
from kit.authored import InvalidFile
from safeguarding.crisis import load_crisis_texts
from safeguarding.readiness import find_file_problems, find_protocol_problems
from safeguarding.review import are_texts_reviewed


@register
def check_review(**_options: object) -> list[CheckMessage]:
    """Warn that the tutor is closed without a review. This is not an error: the rest of the site works."""
    if are_texts_reviewed():
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
    """Report a half-configured remote guard, which would silently leave every answer to the local guard."""
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


@register(Tags.security, deploy=True)
def check_protocol(**_options: object) -> list[CheckMessage]:
    """Warn that the tutor is closed without its public page or the help lines. Runs only with `--deploy`: it is slow.

    Not an error: everything else still starts, above all what is left of the help page.
    """
    return [
        Warning(
            f"The tutor is closed: {problem}",
            hint="Restore the page or the file. The tutor opens by itself within a minute.",
            id="safeguarding.W002",
        )
        for problem in (find_protocol_problems() if _are_statics_collected() else find_file_problems())
    ]


def _are_statics_collected() -> bool:
    """Whether pages can be rendered: a check may run before `collectstatic`, which writes their addresses."""
    return getattr(staticfiles_storage, "hashed_files", None) != {}


@register(Tags.security, deploy=True)
def check_texts(**_options: object) -> list[CheckMessage]:
    """Check the crisis texts. Runs only with `--deploy`, because it imports pydantic. Web processes check them too."""
    try:
        load_crisis_texts()
    except InvalidFile as invalid:
        return _list_messages(invalid, id="safeguarding.E001")
    return []


@register(Tags.security, deploy=True)
def check_guard(**_options: object) -> list[CheckMessage]:
    """Check the guard's files. Runs only with `--deploy`, because it is slow. Servers and workers check them too."""
    try:
        guard.load_guard()
    except ModelFileError as error:
        return [Error(f"The guard cannot be used: {error}", id="safeguarding.E003")]
    except InvalidFile as invalid:
        return _list_messages(invalid, id="safeguarding.E003")
    return []


def _list_messages(invalid: InvalidFile, *, id: str) -> list[CheckMessage]:  # noqa: A002 - as Django names it
    return [
        Error(f"{error.file}, line {error.line}: {error.what}", hint=error.hint, id=id)
        for error in invalid.errors
    ]
