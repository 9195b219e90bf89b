from django.urls import path

from desk.views import costs, first_run, forecast, health, team

app_name = "desk"

urlpatterns = [
    path("first-run", first_run.first_run, name="first_run"),
    path("costs", costs.costs, name="costs"),
    path("costs/<slug:table>.csv", costs.costs_csv, name="costs_csv"),
    path("forecast", forecast.forecast, name="forecast"),
    path("forecast/<slug:file>.csv", forecast.forecast_csv, name="forecast_csv"),
    path("health", health.health, name="health"),
    path("team", team.show_team, name="team"),
    path("team/invite", team.invite, name="invite"),
    path("team/invitations/<int:invitation_id>/revoke", team.revoke, name="revoke"),
    path("team/<int:person_id>", team.member, name="member"),
]
