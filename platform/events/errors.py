"""Why something was not done."""


class EventClosed(Exception):
    """The event has ended or was cancelled: nobody can sign up any more."""


class OfferExpired(Exception):
    """There is no offer, or its time is over."""


class TooEarly(Exception):
    """The event is still to come, or going on."""


class NoRecording(Exception):
    """Nobody has said where the recording is."""


class GuestLimitReached(Exception):
    """Whoever brings them has asked as many as they may."""
