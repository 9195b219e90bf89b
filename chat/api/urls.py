from django.urls import path

from chat.api.events import TurnEvents
from chat.api.memory import ConversationMemory, ConversationNote, SpanningMemory
from chat.api.practice import TurnFollowUp, TurnQuiz
from chat.api.views import (
    CheckInAnswer,
    ConversationList,
    ConversationTurnList,
    OwnPlan,
    PauseEnd,
    TurnContinue,
    TurnCreate,
    TurnDetail,
    TurnReport,
    TurnStop,
    TutorStatus,
)

app_name = "chat_api"
urlpatterns = [
    path("conversations", ConversationList.as_view(), name="conversations"),
    path(
        "conversations/<uuid:conversation_id>/turns",
        ConversationTurnList.as_view(),
        name="conversation_turns",
    ),
    path("conversations/<uuid:conversation_id>/memory", ConversationMemory.as_view(), name="memory"),
    path(
        "conversations/<uuid:conversation_id>/memory/notes/<uuid:note_id>",
        ConversationNote.as_view(),
        name="note",
    ),
    path("memory", SpanningMemory.as_view(), name="spanning_memory"),
    path("end-pause", PauseEnd.as_view(), name="end_pause"),
    path("plan", OwnPlan.as_view(), name="plan"),
    path("tutor", TutorStatus.as_view(), name="tutor"),
    path("turns", TurnCreate.as_view(), name="turns"),
    path("turns/<uuid:turn_id>", TurnDetail.as_view(), name="turn"),
    path("turns/<uuid:turn_id>/events", TurnEvents.as_view(), name="turn_events"),
    path("turns/<uuid:turn_id>/stop", TurnStop.as_view(), name="turn_stop"),
    path("turns/<uuid:turn_id>/continue", TurnContinue.as_view(), name="turn_continue"),
    path("turns/<uuid:turn_id>/follow-up", TurnFollowUp.as_view(), name="turn_follow_up"),
    path("turns/<uuid:turn_id>/quiz", TurnQuiz.as_view(), name="turn_quiz"),
    path("turns/<uuid:turn_id>/check-in", CheckInAnswer.as_view(), name="turn_check_in"),
    path("turns/<uuid:turn_id>/report", TurnReport.as_view(), name="turn_report"),
]
