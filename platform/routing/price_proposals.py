"""Proposes the prices of a model from the list that comes with genai-prices. Nothing is fetched."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from inference.prices import Prices
from kit.lazy import lazy_module
from routing.models import MICRODOLLARS, TutorModel

if TYPE_CHECKING:
    import genai_prices
else:
    # Imports in about a second. It never fetches newer prices by itself.
    genai_prices = lazy_module("genai_prices")


@dataclass(frozen=True, kw_only=True)
class PriceProposal:
    """Prices that a list gives for a model. They may be old or wrong: an admin decides.

    `is_of_host` is whether the list knows this model at its host, and not only a model of this name elsewhere.
    `has_conditions`: the provider has further prices, by length, date or time of day.
    """

    prices: Prices
    provider: str
    name: str
    is_of_host: bool
    has_conditions: bool


def find_price_proposal(model: TutorModel) -> PriceProposal | None:
    """Return what the list says of a model; None if it knows nothing. A local model costs nothing a token."""
    if model.is_local or not model.model_name:
        return None
    return _look_up(model.model_name, model.base_url) or _look_up(model.model_name, None)


def _look_up(name: str, address: str | None) -> PriceProposal | None:
    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(input_tokens=1, output_tokens=1), name, provider_api_url=address
        )
    except (LookupError, ValueError):
        return None
    # By name, as the attributes of a price are declared at run time.
    given = {field: getattr(found.model_price, field, None) for field in FIELDS}
    if given["input_mtok"] is None or given["output_mtok"] is None:
        return None
    cached = given["cache_read_mtok"]
    return PriceProposal(
        prices=Prices(
            input=_to_microdollars(given["input_mtok"]),
            cached_input=_to_microdollars(given["input_mtok"] if cached is None else cached),
            output=_to_microdollars(given["output_mtok"]),
        ),
        provider=found.provider.name,
        name=found.model.name or found.model.id,
        is_of_host=address is not None,
        has_conditions=isinstance(found.model.prices, list)
        or any(hasattr(price, "tiers") for price in given.values()),
    )


FIELDS = ("input_mtok", "cache_read_mtok", "output_mtok")


def _to_microdollars(price: Any) -> int:
    """Convert dollars per million tokens. Of prices that depend on the length, the first counts."""
    dollars: Decimal = getattr(price, "base", price)
    return int((dollars * MICRODOLLARS).to_integral_value())
