from django.urls import path

from labs import views
from labs.registry import LABS

app_name = "labs"
urlpatterns = [
    path("", views.index, name="index"),
    *(path(lab.slug, views.build_view(lab), name=lab.slug) for lab in LABS),
]
