"""The OpenAPI document is valid, and the API does what it says."""

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chatfold.api import openapi
from chatfold.api.problems import STATUSES, URN
from chatfold.api.routes import OPERATIONS
from chatfold.tenancy import sealing
from schemas.tenants import Tenant
from tests.support.operators import ALICE, CHAT, Office, chat, delivery, job, job_id, reply

DOCUMENT = openapi.document("0.1.0")
NOBODY = "99999999-9999-5999-8999-999999999999"
ACME = Tenant(tenant_id="acme", name="Acme")
KEYS = sealing.new_key("k")
BODIES = {
    "sendMessage": {"text": "Hello"},
    "retryDeliveries": {"dry_run": True},
    "applyTenant": {"tenant_id": "acme", "name": "Acme"},
    "encryptSecret": {"secret": "hush"},
    "retryJobs": {"dry_run": True},
}
QUERIES = {"search": "?q=invoice"}


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


async def test_the_document_is_served():
    status, _, told = await Office().get("/openapi.json", {})
    assert (status, told["paths"]) == (200, DOCUMENT["paths"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
async def test_every_answer_is_as_the_document_says(operation):
    for known in (True, False):
        here = Office(
            [delivery(1)], [chat()], jobs=[job(1)], tenants=[ACME], keys=KEYS if known else ""
        )
        path = operation.path.replace("{reply_id}", reply(1) if known else NOBODY)
        path = path.replace("{chat_id}", CHAT if known else NOBODY)
        path = path.replace("{tenant}", "acme" if known else "nobody")
        path = path.replace("{job_id}", job_id(1) if known else NOBODY)
        path += QUERIES.get(operation.name, "")
        for headers in (ALICE, {}):
            given = BODIES.get(operation.name)
            status, told, body = await here.ask(operation.method, path, given, headers)
            media, schema = answer_of(operation, status)
            assert told["content-type"] == media
            validator = jsonschema.Draft202012Validator(
                schema | {"components": DOCUMENT["components"]},
                format_checker=jsonschema.FormatChecker(),
            )
            validator.validate(body)


def answer_of(operation, status: int):
    said = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
    ((media, content),) = said[str(status)]["content"].items()
    return media, content["schema"]


def test_every_kind_of_problem_has_a_status_and_a_name_of_its_own():
    assert len({URN + kind for kind in STATUSES}) == len(STATUSES)


def test_what_has_a_name_in_its_address_is_tried_after_what_is_literal():
    paths = [one.path for one in OPERATIONS if one.method == "POST"]
    assert paths.index("/v1/deliveries/retry") < paths.index("/v1/deliveries/{reply_id}/retry")
