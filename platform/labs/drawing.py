"""How a program draws the next piece from a model's chances, by temperature and top-p. chances.js does the same.

With both at 1 the chances are the model's own. Otherwise a program first keeps the likeliest pieces, as model servers
do: top-p keeps the fewest of them that reach its share. Then the temperature evens the chances out or sharpens them.
"""

import math
from collections.abc import Sequence

NEUTRAL = 1.0


def reshape_chances(logprobs: Sequence[float], *, temperature: float, top_p: float) -> list[float]:
    """Return each piece's chance of being drawn. `logprobs` are the model's, the likeliest first.

    They add up to 1, except for the model's own, which leave a rest for all other pieces.
    """
    chances = [math.exp(logprob) for logprob in logprobs]
    if temperature == NEUTRAL and top_p == NEUTRAL:
        return chances
    kept = _count_kept(chances, top_p)
    if temperature == 0:
        weights = [1.0]
    else:
        weights = [math.exp((logprob - logprobs[0]) / temperature) for logprob in logprobs[:kept]]
    total = sum(weights)
    drawn = [weight / total for weight in weights]
    return [*drawn, *(0.0 for _ in range(len(logprobs) - len(drawn)))]


def _count_kept(chances: Sequence[float], top_p: float) -> int:
    """Return how many of the likeliest pieces it takes to reach a share of all that are looked at."""
    wanted, reached = top_p * sum(chances), 0.0
    for count, chance in enumerate(chances, 1):
        reached += chance
        if reached >= wanted:
            return count
    return len(chances)
