"""What a tenant sets is what the decider goes by."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from chatfold.policies import policy_of
from schemas.tenants import Fallback, Tenant
from streams.decide.assistant import Assistant
from streams.decide.policy import AssistantPolicy, MediaPolicy, Policy


def tenant(**settings: object) -> Tenant:
    return Tenant.model_validate({"tenant_id": "acme", "name": "Acme", **settings})


def test_what_a_tenant_leaves_out_is_what_the_decider_has_by_default() -> None:
    chosen = policy_of(tenant())
    plain = Policy(handlers=chosen.handlers, idle_close=timedelta(hours=24), media=MediaPolicy())
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


def test_a_tenants_models_read_files_and_answer_what_no_handler_does() -> None:
    chosen = policy_of(tenant(models={}, responder="llm"))
    assert chosen.assistant == AssistantPolicy(is_responder=True)
    assert chosen.media == MediaPolicy(transcribes=True)
    assert chosen.handlers[-1] == Assistant()


def test_without_models_nothing_is_asked_of_any() -> None:
    chosen = policy_of(tenant(media={"describe_images": True}))
    assert chosen.assistant is None
    assert chosen.media == MediaPolicy()


def test_models_answer_where_a_handler_leaves_it_to_them() -> None:
    chosen = policy_of(tenant(models={}, responder="handler"))
    assert chosen.assistant == AssistantPolicy(is_responder=False)
    assert Assistant() not in chosen.handlers


def test_what_a_tenant_wants_of_models_and_files_reaches_the_decider() -> None:
    chosen = policy_of(
        tenant(
            models={},
            assistant={
                "quiet_seconds": 0,
                "media_wait_seconds": 5,
                "retry_seconds": [3],
                "on_failure": "silence",
                "summarise": False,
            },
            media={
                "read_documents": False,
                "transcribe": False,
                "describe_images": True,
                "store_retry_seconds": [1],
                "read_retry_seconds": [2],
                "transcribe_retry_seconds": [],
            },
        )
    )
    assert chosen.assistant == AssistantPolicy(
        is_responder=False,
        quiet=timedelta(0),
        media_wait=timedelta(seconds=5),
        retries=(timedelta(seconds=3),),
        fallback_text=None,
        summarises=False,
    )
    assert chosen.media == MediaPolicy(
        reads_documents=False,
        describes=True,
        store_retries=(timedelta(seconds=1),),
        read_retries=(timedelta(seconds=2),),
        transcribe_retries=(),
    )
    assert policy_of(tenant(media={"store": False})).media is None


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
