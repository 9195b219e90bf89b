"""Why something in a family cannot be done. The words for people stand with the views."""

from datetime import datetime

from families.consent_models import Verification


class FamilyFault(Exception):
    """Nothing was changed."""


class InvitationOver(FamilyFault):
    """It was used, taken back or is more than a week old, or never was."""


class WrongSide(FamilyFault):
    """A parent's invitation is for a teen, and a teen's for a parent; nobody accepts their own."""


class AlreadyLinked(FamilyFault):
    """The two are linked already."""


class NotTheirsToGive(FamilyFault):
    """This person may not consent for this teen: too young, or no parent of theirs."""


class NotTheirsToAnswer(FamilyFault):
    """There is no proposal, or it is one's own, which waits for the other side."""


class NotAParent(FamilyFault):
    """Only a parent with a teen linked to them may ask for this."""


class CodeWrong(FamilyFault):
    """No open request of this teen has this code."""


class HelpOver(FamilyFault):
    """The help with a password was used, has not been given, or is too old."""


class NotACountry(FamilyFault):
    """The code is not one of ISO 3166."""


class NothingToCorrect(FamilyFault):
    """What is given is what is known already."""


class CountryUnknown(FamilyFault):
    """It has not been told where the teen lives."""


class NotVerified(FamilyFault):
    """The parent lacks what the site asks of parents before their consent counts."""

    def __init__(self, level: Verification) -> None:
        super().__init__(level)
        self.level = level


class CoolingOffRuns(FamilyFault):
    """A parent who had a say has withdrawn or is no longer linked: nobody else agrees before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
