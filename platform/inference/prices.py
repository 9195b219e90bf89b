import math

from django.conf import settings


def calculate_cost(*, prompt_tokens: int, answer_tokens: int, cached_tokens: int = 0) -> int:
    """What a call costs, in whole micro-dollars, rounded up.

    Prices are settings in dollars for a million tokens, which is the same number in micro-dollars a token. Of the
    prompt's tokens, `cached_tokens` have a price of their own.
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
