from django.urls import path

from events import views

app_name = "events"
urlpatterns = [
    path("", views.events, name="list"),
    path("place/<slug:token>", views.place, name="place"),
    path("place/<slug:token>/leave", views.leave, name="leave"),
    path("place/<slug:token>/stop", views.stop, name="stop"),
    path("<slug:slug>", views.event, name="event"),
    path("<slug:slug>/sign-up", views.sign_up, name="sign_up"),
    path("<slug:slug>/signed-up", views.signed_up, name="signed_up"),
    path("<slug:slug>/calendar.ics", views.calendar, name="calendar"),
    path("<slug:slug>/left", views.left, name="left"),
]
