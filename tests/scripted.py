"""A model server that sends a script, byte for byte, over real HTTP."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

# Steps in order: bytes to send, a number of seconds to wait, or None to keep the connection open without sending.
type Script = Sequence[bytes | float | None]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"
NOT_FOUND = b"HTTP/1.1 404 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_MODELS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n"
    b'{"data": []}'
)
LONGEST_SILENCE = 20.0


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def delta(content: object = None, **fields: object) -> bytes:
    return event({"choices": [{"delta": ({} if content is None else {"content": content}) | fields}]})


def words(*pieces: str) -> bytes:
    return b"".join(map(delta, pieces))


def stop(reason: str = "stop", **fields: object) -> bytes:
    return event({"choices": [{"delta": {}, "finish_reason": reason}], **fields})


def usage(prompt: object, answer: object, **more: object) -> dict[str, object]:
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": answer} | more}


def used(prompt: object, answer: object, **more: object) -> bytes:
    return event({"choices": []} | usage(prompt, answer, **more))


def answer(status: int, body: object = b"", **headers: object) -> bytes:
    """Build a complete HTTP response, with JSON unless the body is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} said", "Content-Type: application/json", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + raw


def error_reply(status: int, message: str, code: str = "", **headers: object) -> bytes:
    return answer(status, {"error": {"message": message, "code": code or None}}, **headers)


@dataclass
class ScriptedModel:
    """Answers each question with the next script, and further questions with the last one."""

    scripts: Sequence[Script]
    counts: bytes = NOT_FOUND
    models: bytes = NO_MODELS
    asked: list[dict[str, Any]] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    url: str = ""

    def serve(self, listening: socket.socket, over: threading.Event) -> None:
        while not over.is_set():
            try:
                line, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._say, args=[line, over], daemon=True).start()

    def _say(self, line: socket.socket, over: threading.Event) -> None:
        with line, suppress(OSError):
            head, body = read_request(line)
            if head.startswith(b"POST /tokenize"):
                line.sendall(self.counts)
                return
            if head.startswith(b"GET "):
                line.sendall(self.models)
                return
            script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
            self.heads.append(head)
            self.asked.append(json.loads(body or b"{}"))
            for step in script:
                if isinstance(step, bytes):
                    line.sendall(step)
                elif step is None:
                    over.wait(LONGEST_SILENCE)
                else:
                    time.sleep(step)


def read_request(line: socket.socket) -> tuple[bytes, bytes]:
    """Read a complete request: closing a connection with unread data would discard the response."""
    head, _, body = line.recv(65536).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += line.recv(65536)
    return head, body


@contextmanager
def scripted(
    *scripts: Script, counts: bytes = NOT_FOUND, models: bytes = NO_MODELS
) -> Iterator[ScriptedModel]:
    over = threading.Event()
    model = ScriptedModel(scripts, counts, models)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        model.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        threading.Thread(target=model.serve, args=[listening, over], daemon=True).start()
        try:
            yield model
        finally:
            over.set()
