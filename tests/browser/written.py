"""A turn that the test writes instead of a worker, word by word, on the real broker and database."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from accounts.models import Person
from chat import streaming
from chat.models import Conversation, EndReason, Turn, TurnState
from chat.streaming.valkey_stream import _client, stream_key

FIRST = "Rain falls from clouds.\n\n"
SECOND = "It runs into rivers.\n\n"
THIRD = "Rivers run into the sea."


class WrittenTurn:
    """A live turn. `write` adds words to its stream, and `end` ends it as a worker would."""

    def __init__(self, owner: Person) -> None:
        now = timezone.now()
        self.turn = Turn.objects.create(
            pk=uuid4(),
            conversation=Conversation.objects.create(owner=owner, title="Rain"),
            question="Where does rain go?",
            state=TurnState.WORKING,
            claim=uuid4(),
            claimed_at=now,
            lease_until=now + timedelta(minutes=10),
        )
        self.answer = ""

    @property
    def address(self) -> str:
        return f"/tutor/{self.turn.conversation_id}"

    def write(self, *texts: str, unjudged_length: int = 0) -> None:
        for text in texts:
            entry: dict[str, str | int] = {"at": len(self.answer), "text": text, "n": len(self.answer)}
            entry["unjudged"] = unjudged_length
            _client().xadd(stream_key(self.turn.pk), entry)  # type: ignore[arg-type]
            self.answer += text

    def withdraw(self, length: int) -> None:
        """Take back the words after `length` characters, as a worker does with an unsafe sentence."""
        self.answer = self.answer[:length]
        entry: dict[str, str | int] = {"at": 0, "text": self.answer, "n": 9, "withdrawn": 1}
        _client().xadd(stream_key(self.turn.pk), entry, maxlen=1, approximate=False)  # type: ignore[arg-type]

    def end(
        self, state: TurnState = TurnState.ANSWERED, end_reason: EndReason = EndReason.NONE, **fields: object
    ) -> None:
        ended_fields: dict[str, object] = {
            "state": state,
            "end_reason": end_reason,
            "answer": self.answer.strip(),
            "answer_tokens": 9,
            "model": "a model",
            "claim": None,
            "lease_until": None,
            "ended_at": timezone.now(),
            **fields,
        }
        Turn.objects.filter(pk=self.turn.pk).update(**ended_fields)
        streaming.end_stream(self.turn.pk, streaming.dump_ended_turn(self.turn, ended_fields))
