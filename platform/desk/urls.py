from django.urls import path

from desk.views import first_run, health, team

app_name = "desk"

urlpatterns = [
    path("first-run", first_run.first_run, name="first_run"),
    path("health", health.health, name="health"),
    path("team", team.show_team, name="team"),
    path("team/invite", team.invite, name="invite"),
    path("team/invitations/<int:invitation_id>/revoke", team.revoke, name="revoke"),
    path("team/<int:person_id>", team.member, name="member"),
]
