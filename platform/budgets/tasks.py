"""The ledger's periodic tasks."""

from celery import shared_task

from budgets import alerts, audit, forecasts, grant_files, grants, services


@shared_task(name="budgets.tasks.expire_holds")
def expire_holds() -> int:
    """Release every hold that is past its `expires_at`, because chat neither settled nor released it.

    Nothing is charged. Return how many there were.
    """
    return services.expire_holds()


@shared_task(name="budgets.tasks.expire_grants")
def expire_grants() -> int:
    """End expired grants. Return how many."""
    return grants.expire_grants()


@shared_task(name="budgets.tasks.audit_ledger")
def audit_ledger() -> int:
    """Audit the ledger and save the result for admins. Return the number of differences."""
    return audit.audit_ledger().differences


@shared_task(name="budgets.tasks.make_forecast")
def make_forecast() -> bool:
    """Store what a month is expected to cost, in its first days. Return whether it was made now."""
    return forecasts.make_forecast() is not None


@shared_task(name="budgets.tasks.send_alerts")
def send_alerts() -> int:
    """Send the alerts that are due about the site's and families' budgets. Return how many."""
    return alerts.send_alerts()


@shared_task(name="budgets.tasks.delete_expired_files")
def delete_expired_files() -> int:
    """Delete files of grants that were looked at and never given. Return how many."""
    return grant_files.delete_expired_files()
