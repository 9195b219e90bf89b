from django.urls import path
from django.views.decorators.http import require_safe

from courses.briefings import views

app_name = "briefings"
urlpatterns = [
    path("", views.archive, name="archive"),
    path("feed", require_safe(views.BriefingsFeed()), name="feed"),
    path("<int:year>", views.archive, name="year"),
    path("<slug:briefing>", views.briefing, name="briefing"),
]
