"""The root URL conf: the one place that may point at every room."""

from django.contrib import admin
from django.urls import include, path

from config import health, pages

handler500 = "config.views.server_error"

urlpatterns = [
    path("", pages.home, name="home"),
    path("about", pages.about, name="about"),
    path("privacy", pages.privacy, name="privacy"),
    path("help/", pages.using, name="using"),
    path("healthz", health.process, name="healthz"),
    path("readyz", health.parts, name="readyz"),
    path("", include("accounts.urls")),
    path("help/", include("safeguarding.urls")),
    path("family/", include("families.urls")),
    path("learn/", include("courses.urls")),
    path("events/", include("events.urls")),
    path("tutor/", include("chat.urls")),
    path("mail/", include("mail.urls")),
    path("admin/", admin.site.urls),
]
