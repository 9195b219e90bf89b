"""Which zone a new agreement has."""

from accounts.models import Person


def zone_for(parent: Person, teen: Person) -> tuple[str, bool]:
    """The zone of a new agreement, and whether it is certain.

    It is the teen's, where they sleep, unless that is a guess and the parent's is none. It is certain where both
    have said the same.
    """
    zone = parent.time_zone if parent.is_zone_confirmed and not teen.is_zone_confirmed else teen.time_zone
    both = parent.is_zone_confirmed and teen.is_zone_confirmed
    return zone, both and parent.time_zone == teen.time_zone
