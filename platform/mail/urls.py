from django.urls import path

from mail import views

app_name = "mail"
urlpatterns = [
    path("", views.outbox, name="box"),
    path("<uuid:email_id>", views.email, name="letter"),
    path("<uuid:email_id>/<int:attachment_id>", views.attachment, name="attachment"),
]
