"""Streams an answer through Valkey, from the worker that writes it to every page that reads it.

Only this package knows these keys:

- `turn:<id>:words`  the stream; each entry has `at` (the position of its text in the answer, in characters), `text`,
  `n` (tokens generated so far), and `unjudged` if so many characters at its end wait for a verdict; the last entry has
  `end`, and may have the ended turn's row as `turn` (reader.py). An entry with `withdrawn` has all the text that
  stays of the answer, and the entries before it are gone.
- `turn:<id>:stop`   set when the turn should stop.
- `turn:<id>:phase`  what the model does before its first word, if that takes long.
- `turn:<id>:reader` expires unless a page keeps reading.

The database is the source of truth: if a stream is broken or gone, readers use the turn's row.

Public: what is exported here, reader, rendering, tokens.
"""

from chat.streaming.reader import StreamUnavailable, dump_ended_turn, follow_stream
from chat.streaming.valkey_stream import (
    ModelPhase,
    ReaderSignals,
    StreamedAnswer,
    StreamEntry,
    StreamWriter,
    delete_streams,
    end_stream,
    get_phase,
    parse_entry_id,
    read_judged_stream,
    read_stream,
    record_reader,
    request_stop,
)

__all__ = [
    "ModelPhase",
    "ReaderSignals",
    "StreamEntry",
    "StreamUnavailable",
    "StreamWriter",
    "StreamedAnswer",
    "delete_streams",
    "dump_ended_turn",
    "end_stream",
    "follow_stream",
    "get_phase",
    "parse_entry_id",
    "read_judged_stream",
    "read_stream",
    "record_reader",
    "request_stop",
]
