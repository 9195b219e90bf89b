from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from budgets.audit import differences
from budgets.models import Entry, Period


class Command(BaseCommand):
    help = "Recompute every budget's days and holds from the immutable entries, and name each difference."

    def handle(self, **_options: object) -> None:
        found = list(differences())
        for difference in found:
            self.stderr.write(str(difference))
        if found:
            raise CommandError(
                _("The ledger and its entries disagree in %(count)d places.") % {"count": len(found)}
            )
        self.stdout.write(
            _("The ledger agrees with its entries: %(days)d days, %(entries)d entries.")
            % {"days": Period.objects.count(), "entries": Entry.objects.count()}
        )
