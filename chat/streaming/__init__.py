"""A turn's words on a Valkey stream, from the worker that writes to every page that reads.

Nothing outside this package knows these keys:

- `turn:<id>:words`  the stream; each entry has `at` (where its text begins in the answer, in characters),
  `text`, and `n` (tokens generated so far); the last entry has `end`.
- `turn:<id>:stop`   set when somebody pressed Stop.
- `turn:<id>:phase`  what the model does before its first word, where that takes long.
- `turn:<id>:reader` lives while somebody reads.

The database has the truth: a reader who finds a stream broken or gone reads the turn there.

Public: what is exported here, markdown, rendering, sse.
"""

from chat.streaming.reader import StreamUnavailable, follow_stream
from chat.streaming.store import (
    ModelPhase,
    StreamedAnswer,
    StreamEntry,
    delete_streams,
    end_stream,
    get_phase,
    parse_entry_id,
    read_stream,
    record_reader,
    request_stop,
)
from chat.streaming.writer import ReaderSignals, StreamWriter

__all__ = [
    "ModelPhase",
    "ReaderSignals",
    "StreamEntry",
    "StreamUnavailable",
    "StreamWriter",
    "StreamedAnswer",
    "delete_streams",
    "end_stream",
    "follow_stream",
    "get_phase",
    "parse_entry_id",
    "read_stream",
    "record_reader",
    "request_stop",
]
