"""What is a teen's alone: who looked, and the grown-up whom they trust."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import sign_in_required
from families.forms import TrustedAdultForm
from families.gate import gate_of
from families.looks import LOOK_LASTS
from families.selectors import looks_at
from families.trusted import trusted_adult_forget, trusted_adult_name, trusted_adult_of
from families.views.access import teen_of
from kit.paging import page_of

LOOKS_A_PAGE = 50


@sign_in_required
@require_safe
def looks(request: HttpRequest) -> HttpResponse:
    teen = teen_of(request)
    cursor = request.GET.get("before", "")
    page = {
        "person": teen,
        "listed": page_of(looks_at(teen), by="at", size=LOOKS_A_PAGE, cursor=cursor),
        "is_first": not cursor,
        "gate": gate_of(teen),
        "minutes": LOOK_LASTS.seconds // 60,
    }
    return render(request, "families/looks.html", page)


@sign_in_required
@never_cache
def trusted_adult(request: HttpRequest) -> HttpResponse:
    """Named in private. The page itself exists for teens alone, and nothing elsewhere tells whether it was used."""
    teen = teen_of(request)
    named = trusted_adult_of(teen)
    if request.method != "POST":
        form = TrustedAdultForm(initial={"name": named.name, "reach": named.reach} if named else None)
        return render(request, "families/trusted_adult.html", {"form": form, "named": named})
    if request.POST.get("forget"):
        trusted_adult_forget(teen=teen)
        return redirect("families:trusted_adult")
    form = TrustedAdultForm(request.POST)
    if not form.is_valid():
        return render(request, "families/trusted_adult.html", {"form": form, "named": named}, status=422)
    trusted_adult_name(teen=teen, **form.cleaned_data)
    return redirect("families:trusted_adult")
