"""The ledger's safety nets, run by beat."""

from celery import shared_task

from budgets import audit, grants, services


@shared_task(name="budgets.tasks.expire_holds")
def expire_holds() -> int:
    """Expire what is past its lease: chat settles its own turns, and this is what it forgot. Returns how many."""
    return services.expire_holds()


@shared_task(name="budgets.tasks.expire_grants")
def expire_grants() -> int:
    """End grants whose time is over. Returns how many."""
    return grants.expire_grants()


@shared_task(name="budgets.tasks.audit_ledger")
def audit_ledger() -> int:
    """Audit the ledger; admins see the result. Returns how many differences there are."""
    return audit.audit_ledger().differences
