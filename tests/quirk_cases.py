"""What model servers are known to send, and what has to become of it: one row for each quirk of inference.quirks.

Each row is asked through the worker by tests/chat/test_quirks.py and by `python -m benchmarks.quirks`. Text that must
never be shown has the word ZEBRA in it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from chat.models import EndReason, TurnState
from tests.scripted import DONE, OK, Script, answer, delta, error_reply, event, stop, usage, used, words

ANSWER = "Rain falls from clouds."
PIECES = ("Rain", " falls", " from", " clouds", ".")
THOUGHT = "The ZEBRA asks about rain."
# What the server reports unless a row says otherwise.
PROMPT, GENERATED = 50, 5
REPORT = used(PROMPT, GENERATED)
END = stop() + REPORT + DONE


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    # One for each time that the server is asked.
    scripts: tuple[Script, ...]
    text: str = ANSWER
    state: TurnState = TurnState.ANSWERED
    end_reason: EndReason = EndReason.NONE
    # What the server reported in the end; None where the site has to estimate, which comes to `estimate` then.
    prompt: int | None = PROMPT
    generated: int | None = GENERATED
    estimate: range = range(5, 6)
    cached: int = 0
    model: str = "scripted"
    # Whether words may be seen for a moment and then vanish.
    shows_briefly: bool = False
    # Seconds until the server wants to be asked again.
    retry_after: int | None = None
    asked: int | None = None
    patience: float = 5.0


def make_case(name: str, *script: bytes | float | None, **expected: object) -> Case:
    return Case(name=name, scripts=(script,), **expected)  # type: ignore[arg-type]


def failed(name: str, end_reason: EndReason, *script: bytes | float | None, **expected: object) -> Case:
    """A turn that fails; unless a row says otherwise, without a word."""
    return make_case(
        name, *script, **({"state": TurnState.FAILED, "end_reason": end_reason, "text": ""} | expected)
    )


def refused(name: str, end_reason: EndReason, reply: bytes, **expected: object) -> Case:
    """A server that answers with an error, at no cost."""
    return failed(name, end_reason, reply, **({"prompt": 0, "generated": 0} | expected))


def build_completion(content: object, finish: str = "stop", **fields: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content} | fields
    return {"object": "chat.completion", "choices": [{"message": message, "finish_reason": finish}]}


def thinking() -> Iterator[Case]:
    pieces = words(*PIECES) + END
    yield make_case("think tags", OK, words("<think>", THOUGHT, "</think>", "\n\n"), pieces)
    yield make_case(
        "think tags over chunks",
        OK,
        words("<", "th", "ink", ">", "The ZEB", "RA", " asks", "</", "thi", "nk>"),
        pieces,
    )
    yield make_case("think tags letter by letter", OK, words(*f"<think>{THOUGHT}</think>"), pieces)
    yield make_case("think tags in one chunk", OK, words(f"<think>{THOUGHT}</think>{ANSWER}"), END)
    yield make_case(
        "think tags in the middle", OK, words("Rain falls<think>", THOUGHT, "</think> from clouds."), END
    )
    yield make_case("thinking tags", OK, words("<thinking>", THOUGHT, "</thinking>"), pieces)
    yield make_case("tags in capitals", OK, words("<THINK>", THOUGHT, "</THINK>"), pieces)
    yield make_case("thought tags", OK, words("<thought>", THOUGHT, "</thought>"), pieces)
    yield make_case("square tags", OK, words("[THINK]", THOUGHT, "[/THINK]"), pieces)
    yield make_case("Kimi's tags", OK, words("◁think▷", THOUGHT, "◁/think▷"), pieces)
    yield make_case(
        "harmony's channels",
        OK,
        words("<|channel|>analysis<|message|>", THOUGHT, "<|end|><|start|>assistant"),
        words("<|channel|>final<|message|>"),
        pieces,
    )
    yield make_case("answer tags after think tags", OK, words(f"<think>{THOUGHT}</think><answer>"), pieces)
    yield make_case(
        "only a closing tag",
        OK,
        words(THOUGHT, "</think>", "\n\n"),
        pieces,
        shows_briefly=True,
        model="tutor",
    )
    yield make_case(
        "only a closing tag, expected", OK, words(THOUGHT, "</think>", "\n\n"), pieces, model="qwq-32b"
    )
    yield make_case("a thinking model that did not think", OK, pieces, model="deepseek-r1")
    yield make_case(
        "a tag that is spoken of", OK, words("Use `<think>` here."), END, text="Use `<think>` here."
    )
    yield make_case("less than a tag", OK, words("1 <", " 2 < 3 and a<b"), END, text="1 < 2 < 3 and a<b")
    yield failed("a tag never closed", EndReason.MODEL_EMPTY, OK, words("<think>", THOUGHT), END)
    for name in ("reasoning", "reasoning_content"):
        yield make_case(
            f"delta.{name}", OK, delta(**{name: THOUGHT}), delta("", **{name: " More ZEBRA."}), pieces
        )
    details = [{"type": "reasoning.text", "text": THOUGHT}]
    yield make_case("reasoning_details", OK, delta(reasoning=THOUGHT, reasoning_details=details), pieces)
    yield make_case(
        "Mistral's parts",
        OK,
        delta([{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]),
        pieces,
    )
    google = {"google": {"thought": True}}
    yield make_case("Gemini's marks", OK, delta(THOUGHT, extra_content=google), pieces)
    yield make_case(
        "thinking that nothing reports",
        OK,
        b"".join(delta(reasoning=" ZEBRA") for _ in range(20)),
        words(*PIECES),
        stop() + DONE,
        prompt=None,
        generated=None,
        estimate=range(25, 26),
    )
    yield failed(
        "thinking that takes all the room",
        EndReason.ONLY_THINKING,
        OK,
        words("<think>", THOUGHT),
        stop("length") + used(PROMPT, 400) + DONE,
        generated=400,
    )
    yield failed(
        "thinking in secret that takes all the room",
        EndReason.ONLY_THINKING,
        OK,
        stop("length") + used(PROMPT, 400, completion_tokens_details={"reasoning_tokens": 400}) + DONE,
        generated=400,
    )


def reports() -> Iterator[Case]:
    start = (OK, words(*PIECES), stop())
    reasoning = {"completion_tokens_details": {"reasoning_tokens": 300}}
    yield make_case("reasoning beside", *start, used(50, 5, **reasoning), generated=305)
    yield make_case("reasoning inside", *start, used(50, 305, total_tokens=355, **reasoning), generated=305)
    yield make_case(
        "thinking only in the total", *start, used(300, 30, total_tokens=1130), prompt=300, generated=830
    )
    growing = b"".join(
        event({"choices": [{"delta": {"content": piece}}]} | usage(50, n))
        for n, piece in enumerate(PIECES, 1)
    )
    yield make_case("usage in every chunk", OK, growing, event(_stopped() | usage(50, 5)), DONE)
    yield make_case("usage in every chunk and null in the last", OK, growing, stop(usage=None), DONE)
    yield make_case(
        "a sum so far that ends early", OK, event({"choices": []} | usage(50, 0)), *start[1:], DONE
    )
    yield make_case(
        "null usage", *start, event({"choices": [], "usage": None}), DONE, prompt=None, generated=None
    )
    yield make_case("usage of nothing", *start, used(0, 0), DONE, prompt=None, generated=None)
    yield make_case("usage that is no number", *start, used("50", -1), DONE, prompt=None, generated=None)
    cached = {"prompt_tokens_details": {"cached_tokens": 40}}
    yield make_case("cached tokens", *start, used(50, 5, **cached), DONE, cached=40)
    yield make_case(
        "DeepSeek's cached tokens", *start, used(50, 5, prompt_cache_hit_tokens=40), DONE, cached=40
    )
    yield make_case("more cached than there were", *start, used(50, 5, cached_tokens=70), DONE, cached=50)
    yield make_case("Moonshot's usage in the choice", OK, words(*PIECES), _with_usage_in_choice(), DONE)
    yield make_case("Groq's usage", *start, event({"choices": [], "x_groq": usage(50, 5)}), DONE)


def _stopped() -> dict[str, object]:
    return {"choices": [{"delta": {}, "finish_reason": "stop"}]}


def _with_usage_in_choice() -> bytes:
    return event({"choices": [{"delta": {}, "finish_reason": "stop"} | usage(50, 5)]})


def cut() -> Iterator[Case]:
    yield failed(
        "content_filter", EndReason.FILTERED, OK, words("Rain is"), stop("content_filter") + REPORT + DONE
    )
    yield failed("GLM's filter", EndReason.FILTERED, OK, words("Rain is"), stop("sensitive") + REPORT + DONE)
    tools = {"tool_calls": [{"index": 0, "function": {"name": "search", "arguments": "{}"}}]}
    yield failed("tool calls", EndReason.MODEL_EMPTY, OK, delta(**tools), stop("tool_calls") + REPORT + DONE)
    yield failed("refusal", EndReason.MODEL_REFUSED, OK, delta(refusal="I cannot help with that."), END)
    yield failed("blanks", EndReason.MODEL_EMPTY, OK, words(" ", "\n", "\n "), END)
    yield failed("nothing", EndReason.MODEL_EMPTY, OK, END)
    half = {"text": "Rain falls from", "generated": None, "prompt": None, "estimate": range(3, 4)}
    begun = (OK, words(*PIECES[:3]))
    yield failed("finish_reason error", EndReason.MODEL_ERROR, *begun, stop("error"), DONE, **half)
    error = {"error": {"message": "Provider disconnected", "code": 502}}
    yield failed("an error in mid-stream", EndReason.MODEL_UNREACHABLE, *begun, event(error), **half)
    yield failed(
        "overloaded in mid-stream",
        EndReason.MODEL_BUSY,
        *begun,
        event({"error": {"type": "overloaded_error", "message": "Overloaded"}}),
        **half,
    )
    yield failed("llama.cpp's error line", EndReason.MODEL_ERROR, *begun, b'error: {"code": 500}\n\n', **half)
    yield failed("the line breaks", EndReason.MODEL_UNREACHABLE, *begun, **half)
    yield failed(
        "the line breaks after a report",
        EndReason.MODEL_UNREACHABLE,
        *begun,
        used(PROMPT, 3),
        words(" clouds"),
        text="Rain falls from clouds",
        generated=4,
    )
    yield failed("silence in the middle", EndReason.MODEL_SILENT, *begun, None, **half, patience=0.4)
    yield failed("silence", EndReason.MODEL_SILENT, OK, None, prompt=0, generated=0, patience=0.4)
    yield failed(
        "nothing but comments",
        EndReason.MODEL_SILENT,
        OK,
        *(step for _ in range(20) for step in (b": alive\n\n", 0.1)),
        prompt=0,
        generated=0,
        patience=0.4,
    )


def shapes() -> Iterator[Case]:
    pieces = words(*PIECES)
    parts = [{"type": "text", "text": "Rain falls "}, {"type": "text", "text": "from clouds."}]
    yield make_case("content in parts", OK, delta(parts), END)
    estimated = {"prompt": None, "generated": None}
    yield make_case("DONE without a finish_reason", OK, pieces, DONE, **estimated)
    yield make_case("an end without DONE", OK, pieces, stop(), REPORT)
    for status in (400, 422):
        message = "Extra inputs are not permitted: body.stream_options"
        scripts = ((error_reply(status, message),), (OK, pieces, stop(), DONE))
        yield Case(
            name=f"stream_options refused with {status}",
            scripts=scripts,
            asked=2,
            prompt=None,
            generated=None,
        )
    message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    yield Case(name="max_tokens refused", scripts=((error_reply(400, message),), (OK, pieces, END)), asked=2)
    yield make_case(
        "JSON instead of a stream", answer(200, build_completion(ANSWER) | usage(PROMPT, GENERATED))
    )
    pretty = json.dumps(build_completion(ANSWER) | usage(PROMPT, GENERATED), indent=2).encode()
    yield make_case("JSON called a stream", OK, pretty)
    yield make_case(
        "JSON without usage", answer(200, build_completion(ANSWER)), **estimated, estimate=range(6, 7)
    )
    yield make_case(
        "a first chunk without choices", OK, event({"choices": [], "prompt_filter_results": []}), pieces, END
    )
    yield make_case("choices that are null", OK, event({"choices": None}), pieces, END)
    over_lines = b'data: {"choices": [{"delta":\ndata: {"content": "Rain falls from"}}]}\n\n'
    yield make_case("data over lines", OK, over_lines, words(" clouds", "."), END)
    yield make_case("lines without blank ones between", OK, (pieces + END).replace(b"\n\n", b"\n"))
    yield make_case("CRLF", OK, (pieces + END).replace(b"\n", b"\r\n"))
    yield make_case(
        "comments and events", OK, b": OPENROUTER PROCESSING\n\nevent: message\nid: 7\n", pieces, END
    )
    yield make_case(
        "bytes one at a time", OK, *(bytes([byte]) for byte in words("Räin 🌧") + END), text="Räin 🌧"
    )
    emoji = b'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n'
    yield make_case(
        "an emoji over two deltas", OK, emoji % rb"Rain \ud83c", emoji % rb"\udf27!", END, text="Rain 🌧!"
    )
    yield make_case("half an emoji", OK, emoji % rb"Rain \ud83c", END, text="Rain \ufffd")
    both = [{"delta": {"content": piece}, "message": {"content": ANSWER}} for piece in PIECES]
    yield make_case(
        "the message beside the delta", OK, b"".join(event({"choices": [choice]}) for choice in both), END
    )
    yield make_case("text in place of a delta", OK, event({"choices": [{"text": ANSWER}]}), END)
    yield make_case(
        "keep-alives before the first word",
        OK,
        *(step for _ in range(5) for step in (b": loading\n\n", 0.12)),
        pieces,
        END,
        patience=0.4,
    )
    yield make_case(
        "a role and then a pause", OK, delta("", role="assistant"), 0.6, pieces, END, patience=1.0
    )
    yield Case(
        name="a model that is being loaded",
        scripts=((error_reply(503, "Loading model", "unavailable_error"),),) * 2 + ((OK, pieces, END),),
        asked=3,
        patience=9.0,
    )
    yield Case(
        name="busy for a moment", scripts=((error_reply(429, "slow down"),), (OK, pieces, END)), asked=2
    )
    yield failed("no JSON", EndReason.MODEL_GARBLED, OK, b"data: {not json\n\n", prompt=0, generated=0)


def caps() -> Iterator[Case]:
    many = b"".join(delta(f" word{n % 10}") for n in range(500))
    limit = {
        "end_reason": EndReason.LENGTH_LIMIT,
        "prompt": None,
        "generated": None,
        "estimate": range(390, 401),
    }
    yield make_case(
        "a limit that the server ignores",
        OK,
        many,
        END,
        text=" ".join(f"word{n % 10}" for n in range(400)),
        **limit,
    )
    yield make_case(
        "a limit ignored in long pieces",
        OK,
        b"".join(delta("Rain falls from clouds. " * 10) for _ in range(100)),
        END,
        text=("Rain falls from clouds. " * 100).strip(),
        **limit,
    )


def error_cases() -> Iterator[Case]:
    yield refused("401", EndReason.MODEL_ERROR, error_reply(401, "Incorrect API key"), asked=1)
    yield refused("403", EndReason.MODEL_ERROR, error_reply(403, "no access"), asked=1)
    yield refused("404", EndReason.MODEL_ERROR, error_reply(404, "model not found"), asked=1)
    yield refused("400", EndReason.MODEL_ERROR, error_reply(400, "unknown field: temperature"), asked=1)
    yield refused("500", EndReason.MODEL_ERROR, answer(500, b"<html>"), asked=2)
    yield refused("502", EndReason.MODEL_UNREACHABLE, answer(502, b"<html>"), asked=2)
    yield refused("503", EndReason.MODEL_BUSY, error_reply(503, "no slot"), asked=2)
    busy = error_reply(429, "Rate limit reached", "rate_limit_exceeded", Retry_After=45)
    yield refused("429 and a time", EndReason.MODEL_BUSY, busy, asked=1, retry_after=45)
    quota = error_reply(429, "You exceeded your current quota, check your billing", "insufficient_quota")
    yield refused("quota", EndReason.MODEL_QUOTA, quota, asked=1)
    yield refused("402", EndReason.MODEL_QUOTA, error_reply(402, "Payment required"), asked=1)
    long = "This model's maximum context length is 2048 tokens."
    yield refused(
        "context length", EndReason.TOO_LONG, error_reply(400, long, "context_length_exceeded"), asked=1
    )
    llama = "the request exceeds the available context size, try increasing it"
    yield refused(
        "llama.cpp's context", EndReason.TOO_LONG, error_reply(400, llama, "exceed_context_size_error")
    )
    azure = "The response was filtered due to Azure OpenAI's content management policy."
    yield refused(
        "Azure's filter", EndReason.MODEL_REFUSED, error_reply(400, azure, "content_filter"), asked=1
    )
    yield refused("no line", EndReason.MODEL_UNREACHABLE, b"", asked=2)


CASES = [*thinking(), *reports(), *cut(), *shapes(), *caps(), *error_cases()]
