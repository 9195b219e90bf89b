from django.urls import path

from labs import views
from labs.shelf import LABS

app_name = "labs"
urlpatterns = [
    path("", views.shelf, name="shelf"),
    *(path(lab.slug, views.build_view(lab), name=lab.slug) for lab in LABS),
]
