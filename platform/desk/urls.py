from django.urls import path

from desk.views import health, team

app_name = "desk"

urlpatterns = [
    path("health", health.health, name="health"),
    path("team", team.show_team, name="team"),
    path("team/invite", team.invite, name="invite"),
    path("team/invitations/<int:invitation_id>/revoke", team.revoke, name="revoke"),
    path("team/<int:person_id>", team.member, name="member"),
]
