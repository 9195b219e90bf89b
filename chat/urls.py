from django.urls import path

from chat.parent_view import parent_view
from chat.web import search, views
from chat.web.memory import forget, memory
from chat.web.printing import download, printed
from chat.web.relay import turn_stream

app_name = "chat"
urlpatterns = [
    path("parent-view/<uuid:link_id>", parent_view, name="parent_view"),
    path("", views.start, name="start"),
    path("conversations", search.conversations, name="conversations"),
    path("plan", views.plan, name="plan"),
    path("quiz-on/<slug:module>/<slug:lesson>", views.quiz_on_lesson, name="quiz_on_lesson"),
    path("ask", views.ask, name="ask"),
    path("end-pause", views.end_pause, name="end_pause"),
    path("<uuid:conversation_id>", views.conversation, name="conversation"),
    path("<uuid:conversation_id>/ask", views.ask, name="ask_in"),
    path("<uuid:conversation_id>/rename", views.rename, name="rename"),
    path("<uuid:conversation_id>/memory", memory, name="memory"),
    path("<uuid:conversation_id>/memory/forget", forget, name="forget"),
    path("<uuid:conversation_id>/print", printed, name="printed"),
    path("<uuid:conversation_id>/download", download, name="download"),
    path("<uuid:conversation_id>/delete", views.delete, name="delete"),
    path("turns/<uuid:turn_id>/stream", turn_stream, name="turn_stream"),
    path("turns/<uuid:turn_id>/stop", views.stop, name="turn_stop"),
    path("turns/<uuid:turn_id>/retry", views.retry, name="turn_retry"),
    path("turns/<uuid:turn_id>/continue", views.continue_answer, name="turn_continue"),
    path("turns/<uuid:turn_id>/follow-up", views.follow_up, name="turn_follow_up"),
    path("turns/<uuid:turn_id>/quiz", views.check_quiz, name="turn_quiz"),
    path("turns/<uuid:turn_id>/check-in", views.check_in, name="turn_check_in"),
    path("turns/<uuid:turn_id>/report", views.report, name="turn_report"),
    path("turns/<uuid:turn_id>/report/withdraw", views.withdraw, name="turn_report_withdraw"),
]
