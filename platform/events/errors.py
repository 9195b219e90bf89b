"""Why a sign-up was not taken."""


class EventOver(Exception):
    """The event has ended: nobody can sign up any more."""
