from django.urls import path

from privacy import views

app_name = "privacy"
urlpatterns = [
    path("account/data", views.data, name="data"),
    path("account/data/download", views.download, name="download"),
    path("account/data/erase", views.erase, name="erase"),
    path("account/erased", views.erased, name="erased"),
]
