"""A mock of an OpenAI-compatible server that fails in the way it is told, for benchmarks.routing.

    python -m benchmarks.unsteady_model PORT

`PUT /mode` with one of MODES as its body changes what it does. `GET /asked` returns how many questions came.
"""

import argparse
import asyncio
import time

import uvloop
from aiohttp import web

from benchmarks.mock_model import chunk

WORDS, PAUSE_SECONDS = 20, 0.02
SILENCE_SECONDS = 60
FLAP_SECONDS = 0.7
RETRY_AFTER_SECONDS = 5
MODES = ("good", "dead", "slow", "flapping", "lying", "overloaded", "rate-limited")
END = (
    b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": %d}}\n\ndata: [DONE]\n\n'
    % WORDS
)
# Replies of a server that says it is well: nonsense, no answer at all, and another format.
LIES = (b"data: {not json\n\n", END.replace(b"%d" % WORDS, b"0"), b"<html>All systems operational</html>\n\n")


class UnsteadyModel:
    def __init__(self) -> None:
        self.mode = "good"
        self.asked = 0

    async def set_mode(self, request: web.Request) -> web.Response:
        self.mode = (await request.text()).strip()
        return web.Response(text=self.mode)

    async def count(self, _request: web.Request) -> web.Response:
        return web.Response(text=str(self.asked))

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        mode = self.mode
        if mode == "flapping":
            mode = "good" if int(time.monotonic() / FLAP_SECONDS) % 2 else "dead"
        if mode == "dead":
            self._hang_up(request)
        if mode == "overloaded":
            return web.json_response({"error": {"message": "overloaded"}}, status=503)
        if mode == "rate-limited":
            return web.json_response(
                {"error": {"message": "rate limit"}},
                status=429,
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        if mode == "slow":
            await asyncio.sleep(SILENCE_SECONDS)
        if mode == "lying":
            await reply.write(LIES[self.asked % len(LIES)])
            return reply
        for number in range(WORDS):
            # It fails in the middle of the answers that it was giving, too.
            if self.mode == "dead":
                self._hang_up(request)
            await reply.write(chunk(content=f"word{number} "))
            await asyncio.sleep(PAUSE_SECONDS)
        await reply.write(END)
        return reply

    async def models(self, request: web.Request) -> web.Response:
        if self.mode == "dead":
            self._hang_up(request)
        return web.json_response({"object": "list", "data": []})

    @staticmethod
    def _hang_up(request: web.Request) -> None:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("port", type=int)
    options = arguments.parse_args()
    uvloop.install()
    model, app = UnsteadyModel(), web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    app.router.add_get("/v1/models", model.models)
    app.router.add_put("/mode", model.set_mode)
    app.router.add_get("/asked", model.count)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
