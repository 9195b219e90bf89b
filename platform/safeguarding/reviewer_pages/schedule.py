"""The on-call schedule: the coming week with its gaps, and everyone's weekly shifts."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import get_person, page_of_its_form
from kit.not_found import raise_404_on
from safeguarding import on_call as shifts
from safeguarding.models import OnCallShift
from safeguarding.on_call import can_be_told, can_switch_review, list_shifts, list_week
from safeguarding.reviewer_pages.access import reviewer_required
from safeguarding.reviewer_pages.forms import ShiftForm


@reviewer_required
@require_http_methods(["GET", "HEAD", "POST"])
@page_of_its_form
def on_call(request: HttpRequest) -> HttpResponse:
    """Show the schedule, and add shifts."""
    person = get_person(request)
    may_choose = can_switch_review(person)
    if request.method != "POST":
        return _render_schedule(request, ShiftForm(person=person, may_choose=may_choose))
    form = ShiftForm(request.POST, person=person, may_choose=may_choose)
    if not form.is_valid():
        return _render_schedule(request, form, status=422)
    shifts.add_shifts(**form.cleaned_data)
    messages.success(request, _("Added to the schedule."))
    return redirect("review:on_call")


@reviewer_required
@require_POST
def delete_shift(request: HttpRequest, shift_id: int) -> HttpResponse:
    """Delete a shift: one's own, or anyone's for people who may switch review on."""
    person = get_person(request)
    with raise_404_on(OnCallShift.DoesNotExist):
        shifts.delete_shift(shift_id=shift_id, by=person)
    messages.success(request, _("Removed from the schedule."))
    return redirect("review:on_call")


def _render_schedule(request: HttpRequest, form: ShiftForm, *, status: int = 200) -> HttpResponse:
    person = get_person(request)
    week = list_week(person.zone)
    listed = list(list_shifts().order_by("reviewer__username", "weekday", "starts"))
    page = {
        "person": person,
        "form": form,
        "week": week,
        "has_gaps": any(not part.people for day in week for part in day.parts),
        "shifts": [(shift, can_be_told(shift.reviewer)) for shift in listed],
        "may_choose": can_switch_review(person),
        "cannot_be_told": not can_be_told(person),
    }
    return render(request, "safeguarding/review/on_call.html", page, status=status)
