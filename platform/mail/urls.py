from django.urls import path

from mail import views

app_name = "mail"
urlpatterns = [
    path("", views.box, name="box"),
    path("<uuid:mail_id>", views.letter, name="letter"),
    path("<uuid:mail_id>/<int:attachment_id>", views.attachment, name="attachment"),
]
