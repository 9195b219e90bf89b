from accounts.models import Person


def addresses_of(person: Person) -> list[str]:
    """The mail addresses that are known to be this person's, and that they may therefore see and erase by.

    Only an admin writes `Person.email`, so it counts. An address that people type themselves belongs here once
    they have shown that its mail reaches them, and not before: it would open somebody else's mail to them.
    """
    return [person.email] if person.email else []
