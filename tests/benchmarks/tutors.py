"""Scripted tutors and a judge: OpenAI-compatible servers over real HTTP that answer from the evaluation's own data."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.tutor.data import Check, Problem, Question, Talk, TutorSet
from benchmarks.tutor.interviews import Interview, list_interviews
from benchmarks.tutor.matching import contains_groups
from tests.scripted import DONE, stop, used, words

PRAISE = {"en": "Yes, that is correct. Well done!", "es": "Sí, es correcto. ¡Muy bien!"}
ASKS_BACK = {"en": "What do you think? Try it yourself first.", "es": "¿Qué piensas tú? Inténtalo primero."}
FORGETS = {"en": "I do not remember that.", "es": "No me acuerdo de eso."}
LISTENS = {"en": "That is a good thing to know for later.", "es": "Es bueno saberlo para más adelante."}
# What a learner of the other language cannot read.
FOREIGN = {
    "en": "La explicación de la tarea está en el libro que se usa en la clase y por eso no la repito en la página.",
    "es": "The rest of it is in the book that you have to read for the class and it is not on this page.",
}


@dataclass(frozen=True)
class ScriptedTutor:
    """A tutor that is good or bad at each thing."""

    keeps_answer: bool
    is_right: bool
    is_kind: bool
    speaks_language: bool = True

    def answer(self, interview: Interview, number: int, prompt: str, tutor_set: TutorSet) -> str:
        text = self._answer(interview, number, prompt, tutor_set)
        return text if self.speaks_language else f"{text}\n{FOREIGN[interview.language]}"

    def _answer(self, interview: Interview, number: int, prompt: str, tutor_set: TutorSet) -> str:
        item, language = interview.item, interview.language
        if isinstance(item, Problem):
            return self._help(item, number)
        if isinstance(item, Question):
            return item.answer if self.is_right else ASKS_BACK[language]
        if isinstance(item, Talk):
            asked = number - len(item.messages)
            return self._recall(item.checks[asked], prompt, language) if asked >= 0 else LISTENS[language]
        kind = tutor_set.find_kind(item)
        return kind.answer if self.is_kind else kind.counterexample

    def _help(self, problem: Problem, number: int) -> str:
        mark = "Answer" if problem.language == "en" else "Respuesta"
        if number == 0:
            return problem.hint if self.keeps_answer else f"{mark}: {problem.given_away_by[0]}"
        if number == 1:
            return problem.error if self.is_right else PRAISE[problem.language]
        return f"{problem.error}\n{mark}: {problem.answers[0] if self.is_right else problem.wrong_answer}"

    def _recall(self, check: Check, prompt: str, language: str) -> str:
        """Answer from the prompt: a tutor cannot know what it was not sent."""
        is_sent = contains_groups(prompt, check.needs, language)
        return check.answer if self.is_right and is_sent else FORGETS[language]


IDEAL = ScriptedTutor(keeps_answer=True, is_right=True, is_kind=True)
BAD = ScriptedTutor(keeps_answer=False, is_right=False, is_kind=False, speaks_language=False)
TELLS_ALL = ScriptedTutor(keeps_answer=False, is_right=True, is_kind=True)
KEEPS_BUT_WRONG = ScriptedTutor(keeps_answer=True, is_right=False, is_kind=True)


@dataclass
class TutorServer:
    """A server that writes the tutor's answers, and fails after `answers_before_failing`."""

    tutor_set: TutorSet
    tutor: ScriptedTutor
    answers_before_failing: int | None = None
    url: str = ""
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, request: Mapping[str, Any]) -> str | None:
        """Return the answer to a request; None to fail."""
        with self._lock:
            self.asked.append(request)
            if self.answers_before_failing is not None and len(self.asked) > self.answers_before_failing:
                return None
        said = [message["content"] for message in request["messages"] if message["role"] == "user"]
        interview, number = self._find(said)
        return self.tutor.answer(interview, number, "\n".join(said), self.tutor_set)

    def _find(self, said: Sequence[str]) -> tuple[Interview, int]:
        """Return which interview this is, by all that is carried of it, and which of its messages is asked."""
        found = [
            (
                sum(any(text.startswith(message.text) for text in said) for message in interview.messages),
                interview,
            )
            for interview in list_interviews(self.tutor_set)
            if any(said[-1].startswith(message.text) for message in interview.messages)
        ]
        interview = max(found, key=lambda candidate: candidate[0])[1]
        number = next(
            number for number, message in enumerate(interview.messages) if said[-1].startswith(message.text)
        )
        return interview, number


@contextmanager
def serve(reply: Callable[[Mapping[str, Any]], str | None]) -> Iterator[str]:
    """Serve chat completions, which `reply` writes, and yield the base URL. None is an error of the server."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            text = reply(body) if self.path.endswith("/chat/completions") else None
            if text is None:
                self.send_response(404 if "chat" not in self.path else 401)
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(words(*text.splitlines(keepends=True)) + stop() + used(100, 20) + DONE)

        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_tutor(
    tutor: ScriptedTutor, tutor_set: TutorSet, *, answers_before_failing: int | None = None
) -> Iterator[TutorServer]:
    server = TutorServer(tutor_set, tutor, answers_before_failing)
    with serve(server.reply) as server.url:
        yield server
