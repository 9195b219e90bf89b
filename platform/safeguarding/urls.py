from django.urls import path

from safeguarding import views

app_name = "safeguarding"
urlpatterns = [
    path("now", views.help_now, name="help_now"),
    path("protocol", views.protocol, name="protocol"),
]
