"""What a call of a model used, and what that costs by the tenant's prices."""

from collections.abc import Mapping

from providers.reading import integer, mapping, number
from schemas.content import Json, Usage
from schemas.tenants import Price


def of_tokens(model: str, seconds: float, told: Json, prices: Mapping[str, Price]) -> Usage:
    """The usage that a service tells in tokens; what it does not tell stays unknown.

    Dollars a million tokens are millionths of a dollar a token.
    """
    tokens_in = _first(told, "prompt_tokens", "input_tokens")
    tokens_out = _first(told, "completion_tokens", "output_tokens")
    cost, price = None, prices.get(model)
    if price is not None and (tokens_in is not None or tokens_out is not None):
        cost = round((tokens_in or 0) * price.tokens_in + (tokens_out or 0) * price.tokens_out)
    return Usage(
        model=model,
        seconds=round(seconds, 3),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_micros=cost,
    )


def of_speech(model: str, seconds: float, answer: Json, prices: Mapping[str, Price]) -> Usage:
    """The usage of a transcription: in tokens where these are told, else by the minute."""
    told = mapping(answer.get("usage"))
    usage = of_tokens(model, seconds, told, prices)
    heard = number(answer.get("duration")) or number(told.get("seconds"))
    price = prices.get(model)
    if usage.tokens_in is not None or heard is None or price is None:
        return usage
    return Usage(
        model=model, seconds=usage.seconds, cost_micros=round(heard / 60 * price.minute * 1e6)
    )


def _first(told: Json, *names: str) -> int | None:
    found = (integer(told.get(name)) for name in names)
    return next((one for one in found if one is not None and one >= 0), None)
