"""The page of an invitation to the team, which its email links to."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import get_person, sign_in_required
from desk import team
from desk.models import StaffInvitation
from desk.roles import ROLE_DESCRIPTIONS, StaffRole
from kit.rate_limits import ClientRateLimit

wrong_token_limit = ClientRateLimit(
    "team invitation token", person="60/hour", network="600/hour", everyone="6000/hour"
)


@require_safe
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Say what accepting means. A visitor without an account can create one and comes back here."""
    wrong_token_limit.hit(request)
    try:
        invitation = team.get_open_invitation(token)
    except team.NotInvited:
        return render(request, "admin/desk/join_expired.html", status=404)
    wrong_token_limit.undo_hit(request)
    return _render_invitation(request, invitation)


def _render_invitation(request: HttpRequest, invitation: StaffInvitation, *, error: str = "") -> HttpResponse:
    page = {
        "token": invitation.token,
        "email": invitation.email,
        "roles": [(StaffRole(role).label, ROLE_DESCRIPTIONS[StaffRole(role)]) for role in invitation.roles],
        "error": error,
    }
    return render(request, "admin/desk/join.html", page, status=422 if error else 200)


@sign_in_required
@require_POST
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Take the roles of an invitation. The desk then asks for a second step."""
    try:
        invitation = team.get_open_invitation(token)
        team.accept_team_invitation(token=token, by=get_person(request))
    except team.NotInvited:
        return render(request, "admin/desk/join_expired.html", status=404)
    except team.OtherAddress:
        error = _(
            "Your account hasn’t confirmed %(email)s. Add it to your account, or sign in with the account that has it."
        )
        return _render_invitation(request, invitation, error=error % {"email": invitation.email})
    except team.NotForTeens:
        return _render_invitation(request, invitation, error=_("A teen’s account can’t be on the team."))
    messages.success(request, _("Welcome to the team."))
    return redirect("admin:index")
