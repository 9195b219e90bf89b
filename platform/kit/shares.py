"""Split whole amounts so that the shares add up."""

from collections.abc import Sequence


def split_by_weight(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` into whole shares by weight that add up to it: the largest remainders are rounded up."""
    whole = sum(weights)
    if not whole:
        return [*(0 for _weight in weights[:-1]), total]
    shares = [total * weight // whole for weight in weights]
    largest = sorted(
        range(len(weights)), key=lambda position: total * weights[position] % whole, reverse=True
    )
    for position in largest[: total - sum(shares)]:
        shares[position] += 1
    return shares
