from django.urls import path

from pages import health, metrics, views

urlpatterns = [
    path("", views.home, name="home"),
    path("about", views.about, name="about"),
    path("privacy", views.privacy, name="privacy"),
    path("help/", views.how_to_use, name="using"),
    path("language", views.choose_language, name="language"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("readyz", health.readyz, name="readyz"),
]
