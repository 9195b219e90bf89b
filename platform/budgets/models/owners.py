from django.utils.translation import gettext_lazy as _

from accounts.models import Person


class BudgetOwner(Person):
    """A person as the owner of a budget, which is created when it is needed.

    So a person can be found, and given a plan or a grant, before their first question.
    """

    class Meta:
        proxy = True
        verbose_name = _("person’s allowance")
        verbose_name_plural = _("people and allowances")
