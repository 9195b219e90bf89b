from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from rest import views

app_name = "rest"
urlpatterns = [
    path("problems", views.problems, name="problems"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
]
