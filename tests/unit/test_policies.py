"""What a tenant sets is what the decider goes by."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from chatfold.policies import policy_of
from schemas.tenants import Fallback, Tenant
from streams.decide.policy import Policy


def tenant(**settings: object) -> Tenant:
    return Tenant.model_validate({"tenant_id": "acme", "name": "Acme", **settings})


def test_what_a_tenant_leaves_out_is_what_the_decider_has_by_default() -> None:
    chosen = policy_of(tenant())
    plain = Policy(handlers=chosen.handlers, idle_close=timedelta(hours=24))
    assert chosen == plain
    assert [wait.total_seconds() / 60 for wait in chosen.retries] == [1, 5, 15, 60]
    assert chosen.auto_resume == timedelta(hours=2)


def test_what_a_tenant_sets_reaches_the_decider() -> None:
    chosen = policy_of(
        tenant(
            retry_minutes=[0.5, 10],
            order_minutes=0,
            confirmation_minutes=1,
            unconfirmed="resend",
            auto_resume_hours=None,
            fallbacks=[{"provider": "twilio_sms", "account": "AC1"}],
        )
    )
    assert chosen.retries == (timedelta(seconds=30), timedelta(minutes=10))
    assert chosen.order_wait == timedelta(0)
    assert chosen.confirmation == timedelta(minutes=1)
    assert (chosen.unconfirmed, chosen.auto_resume) == ("resend", None)
    assert chosen.fallbacks == (Fallback(provider="twilio_sms", account="AC1"),)


@pytest.mark.parametrize(
    "odd",
    [
        {"retry_minutes": [0]},
        {"retry_minutes": [float("inf")]},
        {"retry_minutes": [1] * 21},
        {"order_minutes": -1},
        {"confirmation_minutes": 0},
        {"unconfirmed": "maybe"},
        {"auto_resume_hours": float("inf")},
        {"fallbacks": [{"provider": "twilio_sms", "account": "AC1", "to": ""}]},
    ],
)
def test_what_makes_no_sense_is_refused(odd: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        tenant(**odd)
