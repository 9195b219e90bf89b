"""The birth month given at sign-up. The first answer stands, so that a child can't try months until one works.

That someone is too young is stored without the month. Both are kept in the browser's session, and this mark survives
signing in and out. A teen's answer stands for a day, because families share devices.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.http import HttpRequest
from django.utils import timezone

from accounts.age import is_adult, is_too_young

TOO_YOUNG_KEY = "sign_up_too_young"
BORN_KEY = "sign_up_born"
ANSWERED_AT_KEY = "sign_up_born_at"
ANSWER_LIFETIME = timedelta(days=1)


def is_marked_too_young(request: HttpRequest) -> bool:
    """Return whether an answer in this browser was younger than 13."""
    return bool(request.session.get(TOO_YOUNG_KEY))


def find_recorded_answer(request: HttpRequest) -> date | None:
    """Return the teen's birth month that was given in the last day, or None. It is cleared once the account exists."""
    born: str | None = request.session.get(BORN_KEY)
    if (
        born is None
        or time.time() - request.session.get(ANSWERED_AT_KEY, 0) > ANSWER_LIFETIME.total_seconds()
    ):
        return None
    return date.fromisoformat(born)


def record_answer(request: HttpRequest, born: date) -> None:
    """Store that the person is too young, or a teen's birth month. Store nothing for an adult."""
    today = timezone.localdate()
    if is_too_young(born=born, on=today):
        delete_recorded_answer(request)
        request.session[TOO_YOUNG_KEY] = True
    elif not is_adult(born=born, on=today):
        request.session[BORN_KEY], request.session[ANSWERED_AT_KEY] = born.isoformat(), int(time.time())


def delete_recorded_answer(request: HttpRequest) -> None:
    """Forget the answer, so that the next person on this device is asked again."""
    for key in (BORN_KEY, ANSWERED_AT_KEY):
        request.session.pop(key, None)


@contextmanager
def preserve_too_young(request: HttpRequest) -> Iterator[None]:
    """Keep the mark of someone too young when the session is replaced inside this context."""
    was_marked = is_marked_too_young(request)
    yield
    if was_marked:
        request.session[TOO_YOUNG_KEY] = True
