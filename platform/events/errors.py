"""Why a sign-up was not taken."""


class EventClosed(Exception):
    """The event has ended or was cancelled: nobody can sign up any more."""
