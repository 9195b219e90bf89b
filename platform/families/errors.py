"""Why something in a family cannot be done. The words for people stand with the views."""

from datetime import datetime

from families.consent_models import Verification


class FamilyError(Exception):
    """Nothing was changed."""


class InvitationExpired(FamilyError):
    """It was used, taken back or is more than a week old, or never was."""


class WrongRole(FamilyError):
    """A parent's invitation is for a teen, and a teen's for a parent; nobody accepts their own."""


class AlreadyLinked(FamilyError):
    """The two are linked already."""


class CannotGiveConsent(FamilyError):
    """This person may not consent for this teen: too young, or no parent of theirs."""


class NoProposalToAnswer(FamilyError):
    """There is no proposal, or it is one's own, which waits for the other side."""


class NotLinkedParent(FamilyError):
    """Only a parent with a teen linked to them may ask for this."""


class WrongCode(FamilyError):
    """No open request of this teen has this code."""


class PasswordHelpExpired(FamilyError):
    """The help with a password was used, has not been given, or is too old."""


class UnknownCountryCode(FamilyError):
    """The code is not one of ISO 3166."""


class NothingToCorrect(FamilyError):
    """What is given is what is known already."""


class CountryNotSet(FamilyError):
    """It has not been told where the teen lives."""


class ParentNotVerified(FamilyError):
    """The parent lacks what the site asks of parents before their consent counts."""

    def __init__(self, level: Verification) -> None:
        super().__init__(level)
        self.level = level


class CoolingOffActive(FamilyError):
    """A parent who had a say has withdrawn or is no longer linked: nobody else agrees before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
