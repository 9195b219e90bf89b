"""One order for everybody who writes for two people.

Two who mark the same lesson at once would each hold their own row and wait for the other's. So the people are locked
first, by their ids. Who leaves waits here for what is just being counted for them, and nothing is counted afterwards.
An erasure locks its person before anything else, too, so that it waits, or is waited for, and never in a circle.
"""

from accounts.models import Person
from courses.together.selectors import companions_in


def people_lock(*people: Person) -> None:
    """Hold these people until the transaction ends. Other rooms may still point at them."""
    held = Person.objects.select_for_update(no_key=True).filter(pk__in=[person.pk for person in people])
    list(held.order_by("pk").values_list("pk"))


def companions_locked(module_slug: str, person: Person) -> list[Person]:
    """As companions_in, and it stays so until the transaction ends."""
    found = companions_in(module_slug, person)
    if not found:
        return []
    people_lock(person, *found)
    return companions_in(module_slug, person)
