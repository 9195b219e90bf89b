"""Pages only for the teen: the parent views, and the trusted adult."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import sign_in_required
from families.forms import TrustedAdultForm
from families.gate import get_tutor_gate
from families.parent_view_log import SAME_ENTRY_WITHIN
from families.selectors import list_parent_view_entries
from families.trusted_adults import delete_trusted_adult, find_trusted_adult, save_trusted_adult
from families.views.access import require_teen
from kit.paging import paginate

PARENT_VIEWS_PER_PAGE = 50


@sign_in_required
@require_safe
def parent_views(request: HttpRequest) -> HttpResponse:
    teen = require_teen(request)
    cursor = request.GET.get("before", "")
    page = {
        "person": teen,
        "listed": paginate(
            list_parent_view_entries(teen), by="first_opened_at", size=PARENT_VIEWS_PER_PAGE, cursor=cursor
        ),
        "is_first": not cursor,
        "gate": get_tutor_gate(teen),
        "minutes": SAME_ENTRY_WITHIN.seconds // 60,
    }
    return render(request, "families/parent_views.html", page)


@sign_in_required
@never_cache
def trusted_adult(request: HttpRequest) -> HttpResponse:
    """Show and save the trusted adult. No other page reveals whether a teen named one."""
    teen = require_teen(request)
    adult = find_trusted_adult(teen)
    if request.method != "POST":
        form = TrustedAdultForm(initial={"name": adult.name, "contact": adult.contact} if adult else None)
        return render(request, "families/trusted_adult.html", {"form": form, "trusted_adult": adult})
    if request.POST.get("forget"):
        delete_trusted_adult(teen=teen)
        return redirect("families:trusted_adult")
    form = TrustedAdultForm(request.POST)
    if not form.is_valid():
        return render(
            request, "families/trusted_adult.html", {"form": form, "trusted_adult": adult}, status=422
        )
    save_trusted_adult(teen=teen, **form.cleaned_data)
    return redirect("families:trusted_adult")
