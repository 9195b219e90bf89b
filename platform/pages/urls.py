from django.urls import path

from pages import health, metrics, views

urlpatterns = [
    path("", views.home, name="home"),
    path("about", views.about, name="about"),
    path("privacy", views.privacy, name="privacy"),
    path("help/", views.using, name="using"),
    path("language", views.choose, name="language"),
    path("healthz", health.process, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("readyz", health.parts, name="readyz"),
]
