"""Each provider has its limits, and an account may have others."""

import pytest

from providers.rates import ALLOWANCES, Rate, Rates, at_most, rates_of
from providers.registry import PROVIDERS
from schemas.tenants import SendLimits


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_states_its_limits(name: str) -> None:
    assert name in ALLOWANCES


def test_a_group_has_limits_of_its_own() -> None:
    person = rates_of("telegram", "123", None)
    assert person.chat == Rate(1.0, burst=5)
    for group in ("-100123", "connection:-5"):
        assert rates_of("telegram", group, None).chat == at_most(20, seconds=60, at_once=5)
        assert rates_of("telegram", group, None).account == person.account


def test_what_an_account_does_not_say_stays_the_providers() -> None:
    usual = rates_of("whatsapp_cloud", "49", None)
    faster = rates_of("whatsapp_cloud", "49", SendLimits(account_per_second=1_000))
    assert faster == Rates(account=at_most(1_000, seconds=1, at_once=125), chat=usual.chat)
    burst = rates_of("whatsapp_cloud", "49", SendLimits(chat_burst=2))
    assert burst == Rates(account=usual.account, chat=Rate(6.0, burst=2))


def test_an_account_may_be_slower_than_one_a_second() -> None:
    slow = rates_of("whatsapp_cloud", "49", SendLimits(account_per_second=0.1, chat_per_second=1))
    assert slow == Rates(account=Rate(10.0, burst=1), chat=Rate(1.0, burst=1))


def test_a_provider_that_nobody_foresaw_is_treated_with_care() -> None:
    assert rates_of("carrier_pigeon", "1", None).account.interval > 0.1
