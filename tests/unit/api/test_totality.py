"""Whatever is asked, the answer is one that the OpenAPI document foresees."""

import asyncio
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatfold.api import openapi
from chatfold.api.routes import OPERATIONS
from tests.support.operators import ALICE, CHAT, Office, chat, delivery, job, job_id, reply

PATHS = openapi.document("0.1.0")["paths"]
NAMES = sorted({name for one in OPERATIONS for name in one.given.model_fields})
WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["failed", "true", "5", CHAT, "2026-11-21T10:00:00Z", "9999-12-31T23:59Z"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES) | WORDS, JSON | st.lists(WORDS), max_size=4)
QUERIES = st.lists(st.tuples(st.sampled_from(NAMES) | WORDS, WORDS), max_size=4)
HEADERS = st.dictionaries(
    st.sampled_from(["idempotency-key", "content-type", "authorization"]),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20),
    max_size=1,
)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
@settings(max_examples=40, deadline=None)
@given(body=OBJECTS | JSON | st.binary(max_size=50), query=QUERIES, headers=HEADERS)
def test_no_request_leads_to_a_bug(operation, body, query, headers):
    here = Office([delivery(1)], [chat()], jobs=[job(1)])
    path = operation.path.replace("{reply_id}", reply(1)).replace("{chat_id}", CHAT)
    path = path.replace("{tenant}", "acme")
    path = path.replace("{job_id}", job_id(1))
    words = "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
    asked = here.ask(operation.method, f"{path}?{words}", body, ALICE | headers)
    status, _, _ = asyncio.run(asked)
    foreseen = PATHS[operation.path][operation.method.lower()]["responses"]
    assert str(status) in foreseen
    assert status < 500
