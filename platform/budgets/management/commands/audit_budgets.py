from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from budgets.audit import audit_ledger
from budgets.models import Period


class Command(BaseCommand):
    help = "Recompute every budget's periods, holds and grants from the ledger entries, and list differences."

    def handle(self, **_options: object) -> None:
        audit = audit_ledger()
        for difference in audit.first:
            self.stderr.write(difference)
        if audit.differences:
            raise CommandError(
                _("The ledger doesn’t match its entries in %(count)d places.") % {"count": audit.differences}
            )
        self.stdout.write(
            _("The ledger matches its entries: %(periods)d periods, %(entries)d entries.")
            % {"periods": Period.objects.count(), "entries": audit.entries}
        )
