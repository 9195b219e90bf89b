import math

from django.conf import settings


def calculate_cost(*, prompt_tokens: int, answer_tokens: int, cached_tokens: int = 0) -> int:
    """Return the cost of a call in micro-dollars, rounded up.

    Prices are settings in dollars per million tokens, which equals micro-dollars per token. `cached_tokens` is the part
    of `prompt_tokens` with the cached price.
    """
    cached_price = settings.TUTOR_CACHED_INPUT_PRICE
    if cached_price is None:
        cached_price = settings.TUTOR_INPUT_PRICE
    cost: float = (
        (prompt_tokens - cached_tokens) * settings.TUTOR_INPUT_PRICE
        + cached_tokens * cached_price
        + answer_tokens * settings.TUTOR_OUTPUT_PRICE
    )
    return math.ceil(cost)
