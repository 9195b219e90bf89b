"""The address of an invitation to the team. It is apart from the desk, whose pages open only to staff."""

from django.urls import path

from desk.views import team

app_name = "joining"

urlpatterns = [
    path("<str:token>", team.join, name="join"),
    path("<str:token>/accept", team.accept, name="accept"),
]
