from django.urls import path

from courses.certificates import views

app_name = "certificates"
urlpatterns = [path("<slug:token>", views.check, name="check")]
