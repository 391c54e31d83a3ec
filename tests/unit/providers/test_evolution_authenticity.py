"""What proves a webhook to be Evolution's."""

import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.evolution import PROVIDER
from providers.protocol import Webhook
from schemas import codec

SECRET = "a webhook's secret"
OTHER = "another secret"
BODY = b'{"event":"messages.upsert","instance":"sales","data":{},"apikey":null}'
CLAIMS = {"app": "evolution", "action": "webhook", "iat": 1697043223, "exp": 1697043823}


def is_proven(headers, body=BODY, secret=SECRET):
    return PROVIDER.verify(Webhook(body, headers), secret)


def part(value):
    return urlsafe_b64encode(codec.dumps(value)).decode().rstrip("=")


def token(secret=SECRET, claims=CLAIMS, alg="HS256", digest="sha256"):
    signed = f"{part({'alg': alg, 'typ': 'JWT'})}.{part(claims)}"
    made = hmac.digest(secret.encode(), signed.encode(), digest)
    return f"{signed}.{urlsafe_b64encode(made).decode().rstrip('=')}"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", ""])
def test_a_fixed_header_proves_it(scheme):
    assert is_proven({"authorization": scheme + SECRET})
    assert not is_proven({"authorization": scheme + OTHER})


def test_evolutions_own_header_proves_it():
    assert is_proven({"apikey": SECRET})
    assert not is_proven({"apikey": OTHER})


def test_a_secret_that_begins_with_the_scheme_is_taken_as_it_is():
    assert is_proven({"authorization": "Bearer x"}, secret="Bearer x")


@pytest.mark.parametrize("scheme", ["Bearer ", ""])
def test_a_token_made_with_the_secret_proves_it(scheme):
    assert is_proven({"authorization": scheme + token()})


def test_a_known_token_is_read_as_jsonwebtoken_makes_it():
    made = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJpYXQiOjE2OTcwNDMyMjMsImV4cCI6MTY5NzA0MzgyMywiYXBwIjoiZXZvbHV0aW9uIiwiYWN0aW9uIjoid2"
        "ViaG9vayJ9"
    )
    signature = urlsafe_b64encode(hmac.digest(b"key", made.encode(), "sha256")).decode()
    assert is_proven({"authorization": f"Bearer {made}.{signature.rstrip('=')}"}, secret="key")


@pytest.mark.parametrize(
    "forged",
    [
        token(OTHER),
        token(alg="none"),
        token(alg="HS512", digest="sha512"),
        token(claims={"app": "evolution"}),
        token(claims={"app": "another", "action": "webhook"}),
        token(claims=[1]),
        token()[:-4],
        token() + "A",
        token().rpartition(".")[0] + ".",
        "." * 2,
        "a.b.c",
        token().replace("e", "é"),
    ],
)
def test_another_token_proves_nothing(forged):
    assert not is_proven({"authorization": f"Bearer {forged}"})


@pytest.mark.parametrize("name", ["apikey", "instanceToken"])
def test_without_a_header_the_key_in_the_body_proves_it(name):
    body = codec.dumps({"event": "x", "data": {"apikey": OTHER}, name: SECRET})
    assert is_proven({}, body)
    assert not is_proven({}, body, OTHER)
    assert is_proven({"authorization": ""}, body)


def test_a_wrong_header_is_not_made_good_by_the_body():
    body = codec.dumps({"apikey": SECRET})
    assert not is_proven({"authorization": f"Bearer {OTHER}"}, body)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"apikey":7}', b'{"apikey":""}', b"\xff", b"[" * 10_000]
)
def test_a_body_without_a_key_proves_nothing(body):
    assert not is_proven({}, body)
    assert not is_proven({}, body, "")


@given(st.text(), st.binary(), st.text(min_size=1))
def test_nothing_is_too_odd_to_be_judged(header, body, secret):
    assert is_proven({"authorization": header}, body, secret) in {True, False}
    assert is_proven({}, body, secret) in {True, False}
    assert is_proven({"authorization": f"a.{header}.b"}, body, secret) in {True, False}


def test_it_checks_no_address():
    assert PROVIDER.challenge({"hub.mode": "subscribe"}, "token") is None
