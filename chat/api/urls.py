from django.urls import path

from chat.api.acts import GoOn, TurnAnswer, TurnReport, Tutor
from chat.api.conversations import Conversations, ConversationTurns
from chat.api.events import TurnEvents
from chat.api.turns import OneTurn, TurnContinue, Turns, TurnStop

app_name = "chat_api"
urlpatterns = [
    path("conversations", Conversations.as_view(), name="conversations"),
    path(
        "conversations/<uuid:conversation_id>/turns", ConversationTurns.as_view(), name="conversation_turns"
    ),
    path("go-on", GoOn.as_view(), name="go_on"),
    path("tutor", Tutor.as_view(), name="tutor"),
    path("turns", Turns.as_view(), name="turns"),
    path("turns/<uuid:turn_id>", OneTurn.as_view(), name="turn"),
    path("turns/<uuid:turn_id>/events", TurnEvents.as_view(), name="turn_events"),
    path("turns/<uuid:turn_id>/stop", TurnStop.as_view(), name="turn_stop"),
    path("turns/<uuid:turn_id>/continue", TurnContinue.as_view(), name="turn_continue"),
    path("turns/<uuid:turn_id>/answer", TurnAnswer.as_view(), name="turn_answer"),
    path("turns/<uuid:turn_id>/report", TurnReport.as_view(), name="turn_report"),
]
