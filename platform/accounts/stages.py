from allauth.account.stages import EmailVerificationStage
from django.http import HttpResponse

from accounts.models import Person


class AddressStage(EmailVerificationStage):
    """An address must be confirmed before it lets anybody in. Somebody without one, as teens are, walks past."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        person = self.login.user
        if isinstance(person, Person) and not person.email:
            return None, True
        response, goes_on = super().handle()  # type: ignore[no-untyped-call]
        return response, goes_on
