"""The ledger's safety nets, run by beat."""

from celery import shared_task

from budgets import grants, services
from budgets.audit import audit_make


@shared_task(name="budgets.tasks.holds_expire")
def holds_expire() -> int:
    """Expire what is past its lease: chat settles its own turns, and this is what it forgot. Returns how many."""
    return services.holds_expire()


@shared_task(name="budgets.tasks.grants_expire")
def grants_expire() -> int:
    """End grants whose time is over. Returns how many."""
    return grants.grants_expire()


@shared_task(name="budgets.tasks.budgets_audit")
def budgets_audit() -> int:
    """Audit the ledger; admins see the result. Returns how many differences there are."""
    return audit_make().differences
