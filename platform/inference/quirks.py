"""What OpenAI-compatible servers are known to send besides what OpenAI documents, as data for the code that reads them.

Each row names the servers that it was made for. A new quirk is a new row here and a case in benchmarks/quirks.py.
"""

import re
from http import HTTPStatus

from inference import errors

# Tags around a model's thinking in the answer's text, and what closes each.
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
    "<|channel|>analysis<|message|>": "<|end|>",  # gpt-oss, where the server leaves its format in
    "<|channel|>commentary<|message|>": "<|end|>",
}
# Marks around the answer itself that some of these leave in.
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
# Models whose answers may begin inside their thinking, with nothing but the closing tag: the chat template of their
# server has written the opening one.
THINKS_FIRST = re.compile(r"(?:\b|-)r1\b|qwq|think|reason", re.IGNORECASE)

# Fields of a delta that hold thinking: DeepSeek, vLLM and llama.cpp; Ollama, OpenRouter and newer vLLM; Ollama's own.
THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")

# `finish_reason` beside "stop": in lower case, and by what it means.
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

# What a fault's status says, where its words say nothing better.
STATUS_ERRORS: dict[int, type[errors.ModelError]] = {
    HTTPStatus.PAYMENT_REQUIRED: errors.QuotaExceeded,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: errors.PromptTooLong,
    HTTPStatus.REQUEST_TIMEOUT: errors.ModelBusy,
    HTTPStatus.CONFLICT: errors.ModelBusy,
    HTTPStatus.TOO_MANY_REQUESTS: errors.ModelBusy,
    HTTPStatus.SERVICE_UNAVAILABLE: errors.ModelBusy,
    HTTPStatus.BAD_GATEWAY: errors.ModelUnreachable,
    HTTPStatus.GATEWAY_TIMEOUT: errors.ModelUnreachable,
    498: errors.ModelBusy,  # Groq: its flex capacity is used up
    520: errors.ModelUnreachable,  # Cloudflare, in front of many
    521: errors.ModelUnreachable,
    522: errors.ModelUnreachable,
    523: errors.ModelUnreachable,
    524: errors.ModelUnreachable,
    529: errors.ModelBusy,  # Anthropic: overloaded
}
# What a fault's code, type and message say. The first that is found counts.
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
# Statuses whose words are not looked at: whatever a server says with them, the operator has to see to it.
CONFIGURATION_STATUSES = {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
# A server that is up while its model is not yet: llama.cpp.
LOADING = re.compile(r"loading model|model is (?:still |being |currently )?load", re.IGNORECASE)
