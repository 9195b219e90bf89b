"""The team: who has which role, what changed, and who is invited. Only owners open these pages, but for the last."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from desk import team
from desk.access import desk_page, render_desk_page
from desk.forms import InviteForm, RolesForm, list_role_choices
from desk.models import RoleChange, StaffInvitation
from desk.roles import ROLE_DESCRIPTIONS, StaffRole, list_roles
from kit.not_found import raise_404_on
from kit.paging import paginate
from kit.rate_limits import ClientRateLimit

CHANGES_PER_PAGE = 20


@require_safe
@desk_page("desk:team")
def show_team(request: HttpRequest) -> HttpResponseBase:
    """List the people with access, the open invitations, and what changed."""
    return _render_team(request, InviteForm(initial={"language": get_person(request).language}))


def _render_team(request: HttpRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    cursor = request.GET.get("before", "")
    changes = paginate(RoleChange.objects.all(), by="at", size=CHANGES_PER_PAGE, cursor=cursor)
    chosen = request.POST.getlist("roles") if form.is_bound else []
    context: dict[str, Any] = {
        "members": [
            (member, [str(role.label) for role in list_roles(member)]) for member in team.list_team()
        ],
        "invitations": team.list_open_invitations(),
        "listed": changes,
        "changes": [_describe_row(change) for change in changes.rows],
        "is_first": not cursor,
        "form": form,
        "choices": list_role_choices(chosen),
        "zone": get_person(request).zone,
    }
    return render_desk_page(request, "desk:team", "team", context, status=status)


def _describe_row(change: RoleChange) -> dict[str, object]:
    return {
        "at": change.at,
        "by": change.by_name or _("a deleted account"),
        "person": change.person_name or _("a deleted account"),
        "before": ", ".join(change.before_labels) or _("no role"),
        "after": ", ".join(change.after_labels) or _("no role"),
    }


@require_POST
@desk_page("desk:team")
def invite(request: HttpRequest) -> HttpResponseBase:
    """Invite someone by email."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _render_team(request, form, status=422)
    invitation = team.invite_to_team(**form.cleaned_data, by=get_person(request))
    messages.success(request, _("The invitation to %(email)s is on its way.") % {"email": invitation.email})
    return redirect("desk:team")


@require_POST
@desk_page("desk:team")
def revoke(request: HttpRequest, invitation_id: int) -> HttpResponseBase:
    """End an invitation that no one has used."""
    if team.revoke_invitation(invitation_id=invitation_id):
        messages.success(request, _("The invitation no longer works."))
    else:
        messages.warning(request, _("This invitation had been used or revoked before."))
    return redirect("desk:team")


@require_http_methods(["GET", "HEAD", "POST"])
@desk_page("desk:member")
def member(request: HttpRequest, person_id: int) -> HttpResponseBase:
    """Show a person's roles, and change or end them."""
    with raise_404_on(Person.DoesNotExist):
        person = Person.objects.prefetch_related("groups").get(pk=person_id)
    chosen = [role.value for role in list_roles(person)]
    error = ""
    if request.method == "POST":
        form = RolesForm(request.POST)
        roles = form.cleaned_data["roles"] if form.is_valid() else []
        if "end" in request.POST:
            roles = []
        try:
            if form.is_valid():
                team.change_roles(person=person, roles=roles, by=get_person(request))
                messages.success(request, _describe_change(person, roles))
                return redirect("desk:team")
        except team.LastOwner:
            error = _("This is the only owner. Make someone else an owner first.")
        except team.NotForTeens:
            error = _("A teen’s account can’t be on the team.")
        chosen = request.POST.getlist("roles")
    context = {"member": person, "choices": list_role_choices(chosen), "error": error}
    status = 422 if request.method == "POST" else 200
    return render_desk_page(request, "desk:member", "member", context, title=str(person), status=status)


def _describe_change(person: Person, roles: list[StaffRole]) -> str:
    if not roles:
        return _("%(person)s is no longer on the team.") % {"person": person}
    labels = ", ".join(str(role.label) for role in roles)
    return _("%(person)s now has: %(roles)s.") % {"person": person, "roles": labels}


# --- The page of an invitation, which its email links to ---

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
