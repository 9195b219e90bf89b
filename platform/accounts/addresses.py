from allauth.account.models import EmailAddress

from accounts.models import Person


def addresses_of(person: Person) -> list[str]:
    """The mail addresses that are known to be this person's, and that they may therefore see and erase by.

    Only one whose mail has been shown to reach them counts: any other would open somebody else's mail to them.
    """
    return list(EmailAddress.objects.filter(user=person, verified=True).values_list("email", flat=True))
