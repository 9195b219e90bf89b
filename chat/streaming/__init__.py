"""A turn's words on a Valkey stream, from the worker that writes to every page that reads.

Nothing outside this package knows these keys:

- `turn:<id>:words`  the stream; each entry has `at` (where its text begins in the answer, in characters),
  `text`, and `n` (tokens generated so far); the last entry has `end`.
- `turn:<id>:stop`   set when somebody pressed Stop.
- `turn:<id>:phase`  what the model does before its first word, where that takes long.
- `turn:<id>:reader` lives while somebody reads.

The database has the truth: a reader who finds a stream broken or gone reads the turn there.

Public: what is exported here, following, growth, markdown.
"""

from chat.streaming.reader import StreamAway, follow
from chat.streaming.store import (
    Entry,
    Phase,
    Written,
    ask_stop,
    end,
    forget,
    id_order,
    note_reader,
    phase_of,
    written,
)
from chat.streaming.writer import Signals, Writer

__all__ = [
    "Entry",
    "Phase",
    "Signals",
    "StreamAway",
    "Writer",
    "Written",
    "ask_stop",
    "end",
    "follow",
    "forget",
    "id_order",
    "note_reader",
    "phase_of",
    "written",
]
