"""Who may vouch for what, and what becomes of it."""

from collections import Counter

import pytest

from chatfold.gateway.acceptance import Accepted, accept
from chatfold.gateway.outcomes import Outcome, Rejection
from chatfold.gateway.requests import Headers
from chatfold.gateway.scribe import time_header
from providers.protocol import Webhook
from providers.registry import PROVIDERS
from schemas import codec, envelope, identity
from schemas.envelope import Recorded
from schemas.inputs import WebhookReceived, WebhookUnrouted
from schemas.tenants import Account
from tests.support.edge import (
    ACME,
    NOW,
    TELEGRAM,
    WHATSAPP,
    Edge,
    signed,
    telegram,
    tenant,
    token,
    update,
    wa,
)
from tests.support.fixtures import FOLDERS, load, webhook_files


def judged(edge: Edge, path: str, body: bytes, headers: dict[str, str]) -> Accepted | Rejection:
    place = edge.addresses.place(path)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return accept(place.address, Webhook(body, Headers(raw)), time_header(NOW), place.account)


def tenants_of(accepted: Accepted | Rejection) -> list[tuple[str, str]]:
    assert isinstance(accepted, Accepted)
    return [
        (dict(record.headers)["ce_type"].decode(), dict(record.headers)["ce_tenant"].decode())
        for record in accepted.records
    ]


RECEIVED, UNROUTED = "WebhookReceived.v1", "WebhookUnrouted.v1"


@pytest.mark.parametrize(
    ("path", "accounts", "secret", "expected"),
    [
        (WHATSAPP, ["100"], "ACME", [(RECEIVED, "acme")]),
        (WHATSAPP, ["100"], "ACME_OLD", [(RECEIVED, "acme")]),
        (WHATSAPP, ["100", "101"], "ACME", [(RECEIVED, "acme"), (RECEIVED, "acme")]),
        (WHATSAPP, ["300"], "OTHER", [(RECEIVED, "other")]),
        (f"{WHATSAPP}/acme", ["100"], "ACME", [(RECEIVED, "acme")]),
        (f"{WHATSAPP}/acme/messages/post", ["100"], "ACME", [(RECEIVED, "acme")]),
        (WHATSAPP, ["999"], "ACME", [(UNROUTED, "")]),
        (WHATSAPP, ["100", "999"], "ACME", [(RECEIVED, "acme"), (UNROUTED, "")]),
    ],
)
def test_an_authentic_item_goes_to_the_account_it_names(path, accounts, secret, expected):
    body = wa(*accounts)
    assert tenants_of(judged(Edge(), path, body, signed(body, secret))) == expected


@pytest.mark.parametrize(
    ("path", "accounts", "secret"),
    [
        (WHATSAPP, ["300"], "ACME"),  # another tenant's account
        (WHATSAPP, ["100", "300"], "ACME"),  # one of them
        (WHATSAPP, ["101"], "ACME_OLD"),  # the same tenant's account that has it no more
        (f"{WHATSAPP}/acme", ["100"], "OTHER"),  # another tenant's secret
        (f"{WHATSAPP}/other", ["100"], "ACME"),  # not among the addressed
        (WHATSAPP, ["102"], "ACME"),  # an account without any secret
        (WHATSAPP, ["100"], "VERIFY"),  # a word of ours that is no secret
    ],
)
def test_a_secret_never_vouches_for_what_is_not_its_own(path, accounts, secret):
    body = wa(*accounts)
    rejected = judged(Edge(), path, body, signed(body, secret))
    assert isinstance(rejected, Rejection)
    assert rejected.outcome is Outcome.UNAUTHENTICATED


def test_a_body_changed_after_signing_is_refused():
    body = wa("100")
    rejected = judged(Edge(), WHATSAPP, body + b" ", signed(body, "ACME"))
    assert rejected == judged(Edge(), WHATSAPP, body, {})
    assert rejected.outcome is Outcome.UNAUTHENTICATED


def test_without_any_secret_configured_nothing_is_authentic():
    edge = Edge(tenant("bare", telegram("200")))
    for headers in ({}, {"x-telegram-bot-api-secret-token": ""}):
        assert judged(edge, TELEGRAM, update(), headers).outcome is Outcome.UNAUTHENTICATED


def test_a_secret_that_cannot_be_read_proves_nothing_and_the_others_still_do():
    edge = Edge(ACME)
    del edge.environment["ACME_OLD"]
    edge.know(ACME)
    body = wa("100")
    assert judged(edge, WHATSAPP, body, signed(body, "ACME_OLD")).outcome is Outcome.UNAUTHENTICATED
    assert tenants_of(judged(edge, WHATSAPP, body, signed(body, "ACME"))) == [(RECEIVED, "acme")]


def test_an_item_without_account_belongs_to_whose_secret_came():
    assert tenants_of(judged(Edge(), TELEGRAM, update(), token("BOT"))) == [(RECEIVED, "acme")]
    assert tenants_of(judged(Edge(), TELEGRAM, update(), token("OTHER"))) == [(RECEIVED, "other")]


def test_where_several_accounts_share_the_secret_the_path_names_the_one():
    edge = Edge(tenant("twins", telegram("1", "BOT"), telegram("2", "BOT")))
    for account in ("1", "2"):
        (record,) = judged(edge, f"{TELEGRAM}/twins/{account}", update(), token("BOT")).records
        assert codec.loads(record.value)["account"] == account
    for path in (TELEGRAM, f"{TELEGRAM}/twins", f"{TELEGRAM}/twins/3"):
        assert tenants_of(judged(edge, path, update(), token("BOT"))) == [(UNROUTED, "")]


@pytest.mark.parametrize("given", [None, "", "application/json", "Application/JSON; charset=utf-8"])
def test_json_may_be_called_by_its_names(given):
    body = wa("100")
    headers = signed(body, "ACME") | ({} if given is None else {"content-type": given})
    assert isinstance(judged(Edge(), WHATSAPP, body, headers), Accepted)


@pytest.mark.parametrize("given", ["text/plain", "application/x-www-form-urlencoded", "json"])
def test_another_content_type_is_refused(given):
    body = wa("100")
    rejected = judged(Edge(), WHATSAPP, body, signed(body, "ACME") | {"content-type": given})
    assert rejected.outcome is Outcome.WRONG_TYPE


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"\xff\xfe", b"[" * 5000 + b"]" * 5000])
def test_an_authentic_body_that_is_not_json_is_refused(body):
    assert judged(Edge(), WHATSAPP, body, signed(body, "ACME")).outcome is Outcome.NOT_JSON


def test_who_is_not_authentic_learns_neither_of_type_nor_of_json():
    rejected = judged(Edge(), WHATSAPP, b"{", {"content-type": "text/plain"})
    assert rejected.outcome is Outcome.UNAUTHENTICATED


@pytest.mark.parametrize("body", [b"{}", b"[]", b"1", b'"x"', b"null", b'{"object":"page"}'])
def test_an_authentic_shape_that_nobody_foresaw_is_kept_as_unrecognised(body):
    for path, headers in ((WHATSAPP, signed(body, "OTHER")), (TELEGRAM, token("OTHER"))):
        accepted = judged(Edge(), path, body, headers)
        assert accepted.kinds == ["unrecognised"]
        assert tenants_of(accepted) == [(RECEIVED, "other")]


@pytest.mark.parametrize("provider", list(FOLDERS))
def test_every_shared_body_becomes_exactly_the_records_of_the_envelope(provider):
    """The quick writer writes what `envelope.encode` would."""
    account = "100"
    platform = PROVIDERS[provider].platform
    edge = Edge(tenant("acme", Account(provider=provider, account=account, platform=platform)))
    owner = edge.addresses.place(f"/webhooks/{provider}").address.owners[account]
    kinds = Counter()
    for path in webhook_files(provider):
        for item in PROVIDERS[provider].split(load(path)):
            quick = owner.scribe.record(item, time_header(NOW))
            thorough = envelope.encode(_recorded(provider, account, item))
            assert (quick.key, quick.value) == (thorough.key, thorough.value)
            assert sorted(quick.headers) == sorted(thorough.headers)
            decoded = envelope.decode(codec.INPUTS, value=quick.value, headers=quick.headers)
            assert decoded == _recorded(provider, account, item)
            kinds[item.kind] += 1
    assert len(kinds) >= 4


def test_an_unrouted_item_is_kept_by_account_and_without_tenant():
    body = wa("999")
    accepted = judged(Edge(), WHATSAPP, body, signed(body, "ACME"))
    (record,) = accepted.records
    decoded = envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)
    chat = identity.chat_id(tenant="", platform="whatsapp", platform_user_id="account:999")
    assert isinstance(decoded.data, WebhookUnrouted)
    assert (decoded.tenant, decoded.chat_id, record.key) == ("", chat, chat.encode())
    assert decoded.data.platform_user_id == "4915112345678"
    assert accepted.unrouted == 1


def test_the_order_of_a_webhooks_items_is_kept():
    body = wa("100", "101", "100")
    accepted = judged(Edge(), WHATSAPP, body, signed(body, "ACME"))
    ids = [codec.loads(record.value)["message_id"] for record in accepted.records]
    assert ids == ["wamid.0", "wamid.1", "wamid.2"]


def _recorded(provider: str, account: str, item) -> Recorded[WebhookReceived]:
    platform = PROVIDERS[provider].platform
    person = item.platform_user_id or f"account:{account}"
    own = identity.input_id(
        tenant="acme",
        provider=provider,
        account=account,
        kind=item.kind,
        message_id=item.message_id,
    )
    return Recorded(
        id=own,
        time=NOW,
        source="/chatfold/gateway",
        tenant="acme",
        chat_id=identity.chat_id(tenant="acme", platform=platform, platform_user_id=person),
        causation_id=own,
        correlation_id=own,
        data=WebhookReceived(
            provider=provider,
            account=account,
            platform=platform,
            kind=item.kind,
            platform_user_id=item.platform_user_id,
            message_id=item.message_id,
            fragment=item.fragment,
        ),
    )
