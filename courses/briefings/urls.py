from django.urls import path
from django.views.decorators.http import require_safe

from courses.briefings import views
from courses.briefings.feed import BriefingsFeed

app_name = "briefings"
urlpatterns = [
    path("", views.archive, name="archive"),
    path("feed", require_safe(BriefingsFeed()), name="feed"),
    path("<int:year>", views.archive, name="year"),
    path("<slug:briefing>", views.briefing, name="briefing"),
]
