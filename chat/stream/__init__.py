"""A turn's words on a Valkey stream, from the worker that writes to every page that reads.

Nothing outside this package knows these keys:

- `turn:<id>:words`  the stream; each entry has `at` (where its text begins in the answer, in characters),
  `text`, and `n` (tokens generated so far); the last entry has `end`.
- `turn:<id>:stop`   set when somebody pressed Stop.
- `turn:<id>:reader` lives while somebody reads.

The database has the truth: whoever finds a stream broken or gone reads the turn there.
"""

from chat.stream.entries import Entry, Written
from chat.stream.reader import StreamAway, follow
from chat.stream.store import ask_stop, end, forget, note_reader, written
from chat.stream.writer import Signals, Writer

__all__ = [
    "Entry",
    "Signals",
    "StreamAway",
    "Writer",
    "Written",
    "ask_stop",
    "end",
    "follow",
    "forget",
    "note_reader",
    "written",
]
