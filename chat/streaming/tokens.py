"""A signed token in the address of a page's stream, with which the stream opens without a database query (ADR 58).

It names the person, and opens one turn's stream, only to the browser session that it was made for, for
MAX_AGE_SECONDS. The page uses it once: when it reconnects, the view reads the session instead.
"""

from uuid import UUID

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import HttpRequest

from accounts.models import Person

# Long enough for a page on a slow connection to load and ask for the stream.
MAX_AGE_SECONDS = 120


class WrongStreamToken(Exception):
    """The token was not made for this turn and this session."""


def create_stream_token(request: HttpRequest, person: Person, turn_id: UUID) -> str:
    """Return a token with which this session can open the stream of a turn of its person."""
    return _get_signer(request, turn_id).sign(str(person.pk))


def read_stream_token(request: HttpRequest, turn_id: UUID, token: str) -> int | None:
    """Return the id of the token's person, or None if it has expired. Raises WrongStreamToken."""
    try:
        return int(_get_signer(request, turn_id).unsign(token, max_age=MAX_AGE_SECONDS))
    except SignatureExpired:
        return None
    except BadSignature as error:
        raise WrongStreamToken from error


def _get_signer(request: HttpRequest, turn_id: UUID) -> TimestampSigner:
    # The session key comes from the cookie, so reading it does not load the session.
    return TimestampSigner(salt=f"chat.stream:{turn_id}:{request.session.session_key}")
