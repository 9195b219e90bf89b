import math

from django.conf import settings


def price(*, prompt_tokens: int, answer_tokens: int) -> int:
    """What a call costs, in whole micro-dollars, rounded up.

    Prices are settings in dollars for a million tokens, which is the same number in micro-dollars a token.
    """
    cost: float = prompt_tokens * settings.TUTOR_INPUT_PRICE + answer_tokens * settings.TUTOR_OUTPUT_PRICE
    return math.ceil(cost)
