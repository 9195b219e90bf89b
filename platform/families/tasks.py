from celery import shared_task

from families import cooling_off, family_budget, family_deletion, password_help, retention
from families.links import end_links_at_18 as end_links


@shared_task(name="families.tasks.end_links_at_18")
def end_links_at_18() -> int:
    """End links in the month of the 18th birthday. Return how many."""
    return end_links()


@shared_task(name="families.tasks.delete_expired_invitations")
def delete_expired_invitations() -> int:
    """Delete invitations that are past their retention. Return how many."""
    return retention.delete_expired_invitations()


@shared_task(name="families.tasks.delete_expired_notices")
def delete_expired_notices() -> int:
    """Delete notices that are past their retention. Return how many."""
    return retention.delete_expired_notices()


@shared_task(name="families.tasks.delete_expired_password_helps")
def delete_expired_password_helps() -> int:
    """Delete password helps that are past their retention. Return how many."""
    return password_help.delete_expired_password_helps()


@shared_task(name="families.tasks.carry_out_family_deletions")
def carry_out_family_deletions() -> int:
    """Delete families whose waiting period is over. Return how many."""
    return family_deletion.carry_out_family_deletions()


@shared_task(name="families.tasks.delete_expired_cooling_offs")
def delete_expired_cooling_offs() -> int:
    """Delete cooling-off periods that have ended. Return how many."""
    return cooling_off.delete_expired_cooling_offs()


@shared_task(name="families.tasks.apply_new_zones")
def apply_new_zones() -> int:
    """Apply the changes of time zone that are due. Return how many."""
    return family_budget.apply_new_zones()
