from celery import shared_task

from families import cooling_off, erasing, forgetting, limits, password_help
from families.links import links_end_at_18 as end_links


@shared_task(name="families.tasks.links_end_at_18")
def links_end_at_18() -> int:
    """Links end by themselves in the month of the 18th birthday. Returns how many did."""
    return end_links()


@shared_task(name="families.tasks.invitations_forget")
def invitations_forget() -> int:
    return forgetting.invitations_forget()


@shared_task(name="families.tasks.notices_forget")
def notices_forget() -> int:
    return forgetting.notices_forget()


@shared_task(name="families.tasks.password_helps_forget")
def password_helps_forget() -> int:
    return password_help.password_helps_forget()


@shared_task(name="families.tasks.family_erasures_forget")
def family_erasures_forget() -> int:
    """Erase the families whose days of waiting are over. Returns how many there were."""
    return erasing.family_erasures_carry_out()


@shared_task(name="families.tasks.cooling_offs_forget")
def cooling_offs_forget() -> int:
    return cooling_off.forget_cooling_offs()


@shared_task(name="families.tasks.apply_new_zones")
def apply_new_zones() -> int:
    return limits.apply_new_zones()
