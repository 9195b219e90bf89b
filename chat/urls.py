from django.urls import path

from chat.parents.views import look
from chat.web import act_views, history_views, views
from chat.web.relay import turn_stream

app_name = "chat"
urlpatterns = [
    path("look/<uuid:link_id>", look, name="look"),
    path("", views.start, name="start"),
    path("conversations", history_views.conversations, name="conversations"),
    path("ask", views.ask, name="ask"),
    path("go-on", views.go_on, name="go_on"),
    path("<uuid:conversation_id>", views.conversation, name="conversation"),
    path("<uuid:conversation_id>/ask", views.ask, name="ask_in"),
    path("<uuid:conversation_id>/rename", views.rename, name="rename"),
    path("<uuid:conversation_id>/delete", views.delete, name="delete"),
    path("turns/<uuid:turn_id>/stream", turn_stream, name="turn_stream"),
    path("turns/<uuid:turn_id>/stop", views.stop, name="turn_stop"),
    path("turns/<uuid:turn_id>/retry", views.retry, name="turn_retry"),
    path("turns/<uuid:turn_id>/continue", views.continue_answer, name="turn_continue"),
    path("turns/<uuid:turn_id>/answer", act_views.answer, name="turn_answer"),
    path("turns/<uuid:turn_id>/report", act_views.report, name="turn_report"),
    path("turns/<uuid:turn_id>/report/take-back", act_views.take_back, name="turn_report_take_back"),
]
