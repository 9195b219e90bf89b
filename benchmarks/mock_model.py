"""A mock of an OpenAI-compatible server that sends a token every few milliseconds, for load tests.

    python -m benchmarks.mock_model PORT

The number at the end of the model's name is the time between two tokens in milliseconds: `mock-20`. Answers
are prose (prose.txt, one answer a line), because what the output gate costs depends on what it reads.
"""

import argparse
import asyncio
import itertools
import json
from pathlib import Path

import uvloop
from aiohttp import web

TOKENS = 64


def chunk(**delta: object) -> bytes:
    data = {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


PROSE = (Path(__file__).parent / "prose.txt").read_text(encoding="utf-8").splitlines()
# The first tokens of each answer: a word with the space before it.
ANSWERS = [
    [
        chunk(content=word if number == 0 else f" {word}")
        for number, word in enumerate((text + " " + text).split())
    ][:TOKENS]
    for text in PROSE
]
END = (
    b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": %d}}\n\ndata: [DONE]\n\n'
    % TOKENS
)


answers = itertools.cycle(ANSWERS)


async def complete(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    pause = int(asked["model"].rpartition("-")[2]) / 1000
    reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await reply.prepare(request)
    for number, word in enumerate(next(answers)):
        if number and pause:
            await asyncio.sleep(pause)
        await reply.write(word)
    await reply.write(END)
    return reply


async def models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": []})


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("port", type=int)
    options = arguments.parse_args()
    uvloop.install()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", models)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
