"""Each service gets its own key, and no other's."""

import pytest

from chatfold.models import services
from chatfold.models.services import NO_KEY, OPENAI, Service
from chatfold.tenancy import SecretMissing
from schemas.job_failures import JobFailureCode
from schemas.tenants import Models
from streams.ports import ModelFailure

SECRETS = {"env:OPENAI_API_KEY": "sk-openai", "env:GROQ": "gsk-groq", "env:EAR": "ear"}


def resolve(reference: str) -> str:
    try:
        return SECRETS[reference]
    except KeyError:
        raise SecretMissing(f"{reference} is not set") from None


@pytest.mark.parametrize(
    ("given", "text", "speech"),
    [
        ({}, Service(OPENAI, "sk-openai"), Service(OPENAI, "sk-openai")),
        (
            {"base_url": "http://a/v1"},
            Service("http://a/v1", NO_KEY),
            Service("http://a/v1", NO_KEY),
        ),
        (
            {"base_url": "http://a/v1", "api_key": "env:GROQ"},
            Service("http://a/v1", "gsk-groq"),
            Service("http://a/v1", "gsk-groq"),
        ),
        (
            {"speech_base_url": "http://b/v1"},
            Service(OPENAI, "sk-openai"),
            Service("http://b/v1", NO_KEY),
        ),
        (
            {"speech_base_url": "http://b/v1", "speech_api_key": "env:EAR"},
            Service(OPENAI, "sk-openai"),
            Service("http://b/v1", "ear"),
        ),
        ({"speech_api_key": "env:EAR"}, Service(OPENAI, "sk-openai"), Service(OPENAI, "ear")),
    ],
)
def test_who_gets_which_key(given: dict, text: Service, speech: Service) -> None:
    models = Models.model_validate(given)
    again = Models.model_validate_json(models.model_dump_json())  # as it comes from the log
    for known in (models, again):
        assert services.for_text(known, resolve) == text
        assert services.for_speech(known, resolve) == speech


def test_a_key_that_leads_nowhere_is_named_and_told_nobody() -> None:
    failed = services.for_text(Models(api_key="env:NOT_SET"), resolve)
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.NOT_CONFIGURED
    assert "NOT_SET" in failed.detail
    assert "sk-openai" not in repr(services.for_text(Models(), resolve))


def test_only_openai_knows_the_newer_name_of_the_bound() -> None:
    assert services.limit_field(Models()) == "max_completion_tokens"
    assert services.limit_field(Models(provider="vllm")) == "max_tokens"
