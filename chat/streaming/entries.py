"""The keys and entries of a turn's stream."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

KEPT_SECONDS = 15 * 60
# So long after its last reader an answer is written on: a phone may be locked or a lesson opened meanwhile. It must be
# less than an answer may take at all (chat.answering.desk), or a slow one would end as the model's fault.
READER_SECONDS = 240
# How often a lease is renewed while a page reads: what is left of it then varies by that part only.
RENEWALS = 12
BEGINNING = "0"


def words_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:words"


def turn_of(words: str) -> UUID:
    """The turn that a `words_key` belongs to."""
    return UUID(words.split(":")[1])


def stop_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:stop"


def reader_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:reader"


def phase_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:phase"


class Phase(StrEnum):
    """What the model does before its first word."""

    LOADING = "loading"
    THINKING = "thinking"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream: `text` belongs at character `at` of the answer; `is_end` closes it."""

    id: str
    at: int
    text: str
    tokens: int
    is_end: bool

    @classmethod
    def read(cls, entry_id: str, fields: dict[str, str]) -> "Entry":
        return cls(
            id=entry_id,
            at=int(fields.get("at", 0)),
            text=fields.get("text", ""),
            tokens=int(fields.get("n", 0)),
            is_end="end" in fields,
        )


@dataclass(slots=True)
class Written:
    """What a reader has of an answer so far. `last_id` is where to go on reading."""

    text: str = ""
    tokens: int = 0
    last_id: str = BEGINNING

    def add(self, entry: Entry) -> bool:
        """Take in the next entry. False when it does not continue the text that is here.

        A writer that lost its stream begins again at character 0, so an entry may overlap what is known.
        """
        self.last_id = entry.id
        if entry.is_end:
            return True
        continues = entry.at == len(self.text)
        self.text = self.text[: entry.at] + entry.text
        self.tokens = max(self.tokens, entry.tokens)
        return continues


def id_order(entry_id: str) -> tuple[int, int]:
    """A stream id as something that sorts; anything that is not an id sorts first."""
    time, _, sequence = entry_id.partition("-")
    if not time.isdecimal() or (sequence and not sequence.isdecimal()):
        return (0, 0)
    return (int(time), int(sequence or 0))
