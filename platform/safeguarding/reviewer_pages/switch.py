"""Switching human review on and off, with what changes for families said before."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import get_person, page_of_its_form
from safeguarding.human_review import find_human_review, switch_review_off, switch_review_on
from safeguarding.models import HumanReview
from safeguarding.on_call import can_be_told, can_review, list_reviewers
from safeguarding.readers import list_leads
from safeguarding.reviewer_pages.access import switcher_required
from safeguarding.reviewer_pages.forms import ReviewForm

FACTS = (
    *("organization", "responsible", "responsible_name", "training", "hours", "legal_advice"),
    *("escalate_after_minutes", "excerpt_days"),
)


@switcher_required
@require_http_methods(["GET", "HEAD", "POST"])
@page_of_its_form
def switch(request: HttpRequest) -> HttpResponse:
    """Show what is recorded, and update it."""
    current = find_human_review()
    if request.method != "POST":
        initial = {name: getattr(current, name) for name in FACTS} if current else {}
        if current:
            initial["deputies"] = current.deputy_ids
        return _render_switch(request, ReviewForm(initial=initial), current)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _render_switch(request, form, current, status=422)
    switch_review_on(by=get_person(request), facts=form.facts)
    messages.success(request, _("Recorded. People review crises from now on."))
    return redirect("review:switch")


@switcher_required
@require_POST
def switch_off(request: HttpRequest) -> HttpResponse:
    """Record that no one reviews crises from now on."""
    if find_human_review():
        switch_review_off(by=get_person(request))
        messages.success(
            request, _("Human review is off. The screens say that no one reads what teens write.")
        )
    return redirect("review:switch")


def _render_switch(
    request: HttpRequest, form: ReviewForm, current: HumanReview | None, *, status: int = 200
) -> HttpResponse:
    person = get_person(request)
    page = {
        "person": person,
        "form": form,
        "current": current,
        "has_reviewers": any(map(can_be_told, list_reviewers())),
        "leads": list_leads(),
        "may_review": can_review(person),
    }
    return render(request, "safeguarding/review/switch.html", page, status=status)
