"""Errors that event services raise."""


class EventClosed(Exception):
    """The event has ended or was cancelled, so sign-up is closed."""


class OfferNotUsable(Exception):
    """There is no offer, or it has expired."""


class TooEarly(Exception):
    """The event has not started, or is not over yet."""


class NoRecording(Exception):
    """The event has no recording link."""


class GuestLimitReached(Exception):
    """The host has invited as many guests as the event allows."""
