"""Why an action in a family is refused. The views have the messages for people."""

from datetime import datetime

from families.consent_models import ParentVerification


class FamilyError(Exception):
    """Nothing was changed."""


class InvitationNotUsable(FamilyError):
    """The invitation was used, withdrawn, is more than a week old, or never existed."""


class WrongRole(FamilyError):
    """An invitation links a parent and a teen; this person has the wrong role, or made the invitation."""


class AlreadyLinked(FamilyError):
    """The two are already linked."""


class CannotGiveConsent(FamilyError):
    """This person may not consent for this teen: too young, or not a parent of theirs."""


class NoProposalToAnswer(FamilyError):
    """There is no proposal, or the person made it themselves."""


class NotLinkedParent(FamilyError):
    """Only a parent with a linked teen may do this."""


class WrongPasswordHelpCode(FamilyError):
    """No open request of this teen has this code."""


class PasswordHelpNotUsable(FamilyError):
    """The password help was used, was not granted, or is too old."""


class UnknownCountryCode(FamilyError):
    """The code is not in ISO 3166-1."""


class NothingToCorrect(FamilyError):
    """The corrected country or birth month is the one that is recorded already."""


class CountryNotSet(FamilyError):
    """The teen's country is unknown."""


class ParentNotVerified(FamilyError):
    """The parent does not meet the site's verification level."""

    def __init__(self, level: ParentVerification) -> None:
        super().__init__(level)
        self.level = level


class CoolingOffActive(FamilyError):
    """The cooling-off period lasts until `until`; only the parent who caused it can consent sooner."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
