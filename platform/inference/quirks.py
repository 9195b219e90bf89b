"""Deviations of OpenAI-compatible servers from OpenAI's documentation, as data.

Each row names the servers that it is for. A new quirk needs a row here and a case in benchmarks/quirks.py.
"""

import re
from http import HTTPStatus

from inference import errors

# Tags that open and close thinking within the text.
THINKING = {
    "<think>": "</think>",  # DeepSeek R1, Qwen 3, QwQ, GLM; most others
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # Gemini
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "[think]": "[/think]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
    "<|begin_of_thought|>": "<|end_of_thought|>",  # Sky-T1
    "<|start_thinking|>": "<|end_thinking|>",  # Command A
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
    "<unused94>": "<unused95>",  # MedGemma
    "<|channel|>analysis<|message|>": "<|end|>",  # gpt-oss, if the server does not parse its format
    "<|channel|>commentary<|message|>": "<|end|>",
}
# Markers around the answer that some servers do not remove.
ANSWER_MARKERS = (
    "<answer>",
    "</answer>",
    "<|begin_of_solution|>",
    "<|end_of_solution|>",
    "<|start_response|>",
    "<|end_response|>",
    "<|start|>assistant",
    "<|channel|>final<|message|>",
    "<|return|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|endoftext|>",
)
# Models whose answers may begin inside their thinking, with only a closing tag: the server's chat template contains the
# opening tag.
THINKS_FIRST = re.compile(r"(?:\b|-)r1\b|qwq|think|reason", re.IGNORECASE)

# Fields of a delta for thinking: DeepSeek, vLLM and llama.cpp; Ollama, OpenRouter and newer vLLM; Ollama's own API.
THINKING_FIELDS = ("reasoning_content", "reasoning", "thinking")

# Values of `finish_reason` other than "stop", in lower case.
REACHED_LIMIT = {"length", "max_tokens", "max_output_tokens", "model_length"}
FINISH_REASON_ERRORS: dict[str, type[errors.ModelError]] = {
    "content_filter": errors.AnswerFiltered,
    "content_filtered": errors.AnswerFiltered,
    "safety": errors.AnswerFiltered,  # Gemini
    "prohibited_content": errors.AnswerFiltered,
    "blocklist": errors.AnswerFiltered,
    "spii": errors.AnswerFiltered,
    "recitation": errors.AnswerFiltered,
    "sensitive": errors.AnswerFiltered,  # GLM
    "guardrail_intervened": errors.AnswerFiltered,  # Bedrock
    "refusal": errors.ModelRefused,  # Anthropic
    "tool_calls": errors.AnswerEmpty,
    "function_call": errors.AnswerEmpty,
    "error": errors.ModelMisconfigured,  # OpenRouter
    "abort": errors.ModelMisconfigured,  # vLLM, SGLang
    "network_error": errors.ModelMisconfigured,  # GLM
    "malformed_function_call": errors.ModelMisconfigured,
    "insufficient_system_resource": errors.ModelBusy,  # DeepSeek
}

# Errors by HTTP status, used if the error's text matches no pattern.
STATUS_ERRORS: dict[int, type[errors.ModelError]] = {
    HTTPStatus.PAYMENT_REQUIRED: errors.QuotaExceeded,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: errors.PromptTooLong,
    HTTPStatus.REQUEST_TIMEOUT: errors.ModelBusy,
    HTTPStatus.CONFLICT: errors.ModelBusy,
    HTTPStatus.TOO_MANY_REQUESTS: errors.ModelBusy,
    HTTPStatus.SERVICE_UNAVAILABLE: errors.ModelBusy,
    HTTPStatus.BAD_GATEWAY: errors.ModelUnreachable,
    HTTPStatus.GATEWAY_TIMEOUT: errors.ModelUnreachable,
    498: errors.ModelBusy,  # Groq: flex capacity exceeded
    520: errors.ModelUnreachable,  # Cloudflare, in front of many
    521: errors.ModelUnreachable,
    522: errors.ModelUnreachable,
    523: errors.ModelUnreachable,
    524: errors.ModelUnreachable,
    529: errors.ModelBusy,  # Anthropic: overloaded
}
# Patterns in an error's code, type and message. The first match counts.
ERROR_TEXT_PATTERNS: tuple[tuple[re.Pattern[str], type[errors.ModelError]], ...] = (
    (
        re.compile(
            r"context.?(?:length|window|size)|exceed_context|maximum context|too many (?:input )?tokens"
            r"|(?:prompt|input|request|messages?) (?:is|are|was)? ?too (?:long|large)|max_prompt|n_ctx"
            r"|string_above_max_length|reduce the length|max_model_len",
            re.IGNORECASE,
        ),
        errors.PromptTooLong,
    ),
    (
        re.compile(r"insufficient.{0,8}(?:quota|balance|credit|fund)|billing|payment|credits", re.IGNORECASE),
        errors.QuotaExceeded,
    ),
    (
        re.compile(
            r"content.?(?:filter|policy|management|safety)|responsible.?ai|moderation|was flagged"
            r"|prohibited_content|safety.?system|data_inspection",
            re.IGNORECASE,
        ),
        errors.ModelRefused,
    ),
    (re.compile(r"overloaded|rate.?limit|loading model|at capacity", re.IGNORECASE), errors.ModelBusy),
)
# Statuses that always mean a configuration error, regardless of their text.
CONFIGURATION_STATUSES = {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
# A server that is still loading its model: llama.cpp.
LOADING = re.compile(r"loading model|model is (?:still |being |currently )?load", re.IGNORECASE)
