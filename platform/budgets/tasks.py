"""The ledger's safety net: chat settles its own turns, and what it forgot expires here."""

from celery import shared_task

from budgets import services


@shared_task(name="budgets.tasks.holds_expire")
def holds_expire() -> int:
    """Expire what is past its lease. Returns how many holds that were."""
    return services.holds_expire()
