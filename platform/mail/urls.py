from django.urls import path

from mail import views

app_name = "mail"
urlpatterns = [
    path("", views.outbox, name="outbox"),
    path("<uuid:email_id>", views.email, name="email"),
    path("<uuid:email_id>/<int:attachment_id>", views.attachment, name="attachment"),
]
