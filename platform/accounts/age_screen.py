"""The month of birth that a browser told at sign-up: the first answer stands, so that nobody tries until one fits.

Of a refusal only the fact is kept, never the month. Both are in the session of that browser, and a refusal outlasts
signing in and out there. An answer that leads on to a teen's account stands for a day: a family may share the device.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.http import HttpRequest
from django.utils import timezone

from accounts.age import is_adult, is_too_young

REFUSED_KEY = "sign_up_refused"
BORN_KEY = "sign_up_born"
ANSWERED_AT_KEY = "sign_up_born_at"
ANSWER_LIFETIME = timedelta(days=1)


def is_refused(request: HttpRequest) -> bool:
    return bool(request.session.get(REFUSED_KEY))


def find_recorded_answer(request: HttpRequest) -> date | None:
    """The month of a teen that was told here within the last day, and that no account was made with yet."""
    born: str | None = request.session.get(BORN_KEY)
    if (
        born is None
        or time.time() - request.session.get(ANSWERED_AT_KEY, 0) > ANSWER_LIFETIME.total_seconds()
    ):
        return None
    return date.fromisoformat(born)


def record_answer(request: HttpRequest, born: date) -> None:
    """Keep what follows from an answer: a refusal without its month, a teen's month, and nothing of a grown-up."""
    today = timezone.localdate()
    if is_too_young(born=born, on=today):
        delete_recorded_answer(request)
        request.session[REFUSED_KEY] = True
    elif not is_adult(born=born, on=today):
        request.session[BORN_KEY], request.session[ANSWERED_AT_KEY] = born.isoformat(), int(time.time())


def delete_recorded_answer(request: HttpRequest) -> None:
    """The account is made: the next person at this device is asked anew."""
    for key in (BORN_KEY, ANSWERED_AT_KEY):
        request.session.pop(key, None)


@contextmanager
def preserve_refusal(request: HttpRequest) -> Iterator[None]:
    """Carry a refusal over the end of a session."""
    was_refused = is_refused(request)
    yield
    if was_refused:
        request.session[REFUSED_KEY] = True
