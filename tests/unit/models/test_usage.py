"""What was used costs what the tenant says, and what nobody tells stays unknown."""

import pytest

from chatfold.models import usage
from schemas.content import Usage
from schemas.tenants import Price

PRICES = {"m": Price(tokens_in=0.5, tokens_out=2.0, minute=0.006)}


def test_tokens_cost_by_the_million() -> None:
    told = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000}
    used = usage.of_tokens("m", 1.23456, told, PRICES)
    assert used == Usage(
        model="m", seconds=1.235, tokens_in=1_000_000, tokens_out=500_000, cost_micros=1_500_000
    )


@pytest.mark.parametrize(
    "told",
    [{}, {"prompt_tokens": None}, {"prompt_tokens": "many"}, {"prompt_tokens": -1}],
)
def test_what_is_not_told_is_not_guessed(told: dict[str, object]) -> None:
    assert usage.of_tokens("m", 1, told, PRICES) == Usage(model="m", seconds=1)


def test_a_model_without_a_price_costs_nobody_knows_what() -> None:
    assert usage.of_tokens("other", 1, {"prompt_tokens": 5}, PRICES).cost_micros is None


@pytest.mark.parametrize(
    "answer", [{"duration": 30}, {"duration": "30"}, {"usage": {"type": "duration", "seconds": 30}}]
)
def test_speech_costs_by_the_minute(answer: dict[str, object]) -> None:
    assert usage.of_speech("m", 1, answer, PRICES).cost_micros == 3_000


def test_speech_that_is_told_in_tokens_costs_by_the_token() -> None:
    told = {"usage": {"input_tokens": 100, "output_tokens": 10}, "duration": 30}
    assert usage.of_speech("m", 1, told, PRICES).cost_micros == 70
