"""Looks inside a model: the pieces of a text, the chances of the next piece, and how likely each written piece was.

llama.cpp and vLLM show the chances in a text completion, which continues a text as it is, without a chat template. Only
llama.cpp shows the bytes of each piece.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from inference.endpoints import Endpoint
from inference.errors import ModelResponseInvalid, NotShown
from inference.messages import TokenUsage
from inference.provider import get_client, map_client_error
from kit.lazy import lazy_module

if TYPE_CHECKING:
    import openai
else:
    openai = lazy_module("openai")

# With many people at once, a call waits for a free slot of the server.
INSPECT_SECONDS = 50.0
CARD_SECONDS = 5.0
# Without a seed, a server that draws at a temperature of 0 could still break a tie either way.
SEED = 7


@dataclass(frozen=True, slots=True)
class Piece:
    """A token: its number in the model's vocabulary, and its bytes. Several may make up one character."""

    id: int
    data: bytes

    @property
    def text(self) -> str | None:
        """The text of the piece; None if it is a part of a character."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Chance:
    """A piece that could come next, or that came, and the natural logarithm of its probability."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Continuation:
    """What the model wrote after a text, always taking the likeliest piece.

    `chosen` are the pieces that it wrote. `alternatives` are the likeliest first pieces, the likeliest first.
    """

    text: str
    chosen: Sequence[Chance]
    alternatives: Sequence[Chance]
    usage: TokenUsage


async def split_into_pieces(endpoint: Endpoint, text: str) -> list[Piece]:
    """Return the pieces that the model sees of a text. Raises NotShown or another ModelError."""
    body = {"model": endpoint.model, "content": text, "add_special": False, "parse_special": False}
    reply = await _post(endpoint, urljoin(endpoint.base_url, "/tokenize"), body | {"with_pieces": True})
    tokens = reply.get("tokens") if isinstance(reply, dict) else None
    try:
        return [Piece(int(token["id"]), _read_bytes(token["piece"])) for token in tokens or ()]
    except (TypeError, KeyError, ValueError) as error:
        raise NotShown from error


def _read_bytes(piece: str | Sequence[int]) -> bytes:
    # A piece that ends within a character comes as a list of bytes.
    return piece.encode() if isinstance(piece, str) else bytes(piece)


async def continue_text(
    endpoint: Endpoint, text: str, *, tokens: int, alternatives: int, stop: Sequence[str] = ()
) -> Continuation:
    """Continue a text by at most `tokens` pieces, and show the chances. Raises NotShown or another ModelError."""
    body = {
        "model": endpoint.model,
        "prompt": text,
        "max_tokens": tokens,
        "logprobs": alternatives,
        "temperature": 0,
        "seed": SEED,
        **({"stop": list(stop)} if stop else {}),
    }
    reply = await _post(endpoint, "/completions", body)
    try:
        choice = reply["choices"][0]
        chosen, likely = _read_chances(choice["logprobs"])
        return Continuation(str(choice["text"]), chosen, likely, _read_usage(reply.get("usage")))
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise NotShown from error


def _read_chances(logprobs: Any) -> tuple[list[Chance], list[Chance]]:
    """Return the written pieces and the likeliest first ones. Raises TypeError, KeyError or IndexError.

    llama.cpp answers in the format of chat completions, vLLM in the older one.
    """
    if "content" in logprobs:
        written = logprobs["content"]
        chosen = [Chance(one["token"], float(one["logprob"])) for one in written]
        first = [Chance(one["token"], float(one["logprob"])) for one in written[0]["top_logprobs"]]
    else:
        pairs = zip(logprobs["tokens"], logprobs["token_logprobs"], strict=True)
        chosen = [Chance(token, float(logprob)) for token, logprob in pairs]
        first = [Chance(token, float(logprob)) for token, logprob in logprobs["top_logprobs"][0].items()]
    return chosen, sorted(first, key=lambda chance: -chance.logprob)


def _read_usage(usage: Mapping[str, Any] | None) -> TokenUsage:
    usage = usage or {}
    details = usage.get("prompt_tokens_details") or {}
    return TokenUsage(
        prompt_tokens=usage.get("prompt_tokens"),
        answer_tokens=usage.get("completion_tokens"),
        has_reached_limit=False,
        cached_tokens=details.get("cached_tokens") or 0,
    )


async def read_model_card(endpoint: Endpoint) -> Mapping[str, Any]:
    """Return how the server describes the model that it serves now; {} if it does not. Raises ModelError.

    Two models of the same name differ in it: llama.cpp tells the sizes of its file, vLLM its path.
    """
    client = get_client(endpoint).with_options(timeout=CARD_SECONDS)
    try:
        reply: Any = await client.get("/models", cast_to=object)
    except openai.APIStatusError as error:
        if error.status_code in {400, 404, 405, 501}:
            return {}
        raise map_client_error(error) from error
    except openai.APIError as error:
        raise map_client_error(error) from error
    cards = reply.get("data") if isinstance(reply, dict) else None
    card = next((one for one in cards or () if isinstance(one, dict) and one.get("id") == endpoint.model), {})
    # The time of the answer, on servers that have no better one.
    return {name: value for name, value in card.items() if name != "created"}


async def _post(endpoint: Endpoint, address: str, body: Mapping[str, Any]) -> Any:
    client = get_client(endpoint).with_options(timeout=min(INSPECT_SECONDS, endpoint.first_token_seconds))
    try:
        return await client.post(address, cast_to=object, body=body)
    except openai.APIStatusError as error:
        mapped = map_client_error(error)
        # A server without such a route, or that refuses one of the fields.
        raise (NotShown() if error.status_code in {400, 404, 405, 422, 501} else mapped) from error
    except openai.APIError as error:
        raise map_client_error(error) from error
    except Exception as error:
        # The client does not wrap aiohttp's errors when a server breaks HTTP.
        if type(error).__module__.partition(".")[0] != "aiohttp":
            raise
        raise ModelResponseInvalid from error
