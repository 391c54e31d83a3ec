"""Meta's signature, challenge and hosts."""

import hashlib
import hmac

import pytest

from providers import meta
from providers.protocol import Webhook

BODY = '{"text":"שלום \\u0000"}'.encode()


def test_the_signature_is_the_documented_one():
    documented = "sha256=" + hmac.new(b"app secret", BODY, hashlib.sha256).hexdigest()
    assert meta.sign(BODY, "app secret") == {"x-hub-signature-256": documented}


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha1=abc", "sha256=" + "0" * 64, "sha256=\udce9", "é" * 71]
)
def test_another_signature_proves_nothing(signature):
    webhook = Webhook(BODY, {"x-hub-signature-256": signature})
    assert meta.verify(webhook, "app secret") is False


def test_an_empty_secret_proves_nothing():
    signed = {"x-hub-signature-256": "sha256=" + hmac.digest(b"", BODY, "sha256").hex()}
    assert meta.verify(Webhook(BODY, signed), "") is False


def query(**changes):
    asked = {"hub.mode": "subscribe", "hub.verify_token": "tökén", "hub.challenge": "1158201444"}
    return asked | {name.replace("_", ".", 1): value for name, value in changes.items()}


def test_a_challenge_with_our_token_is_echoed():
    assert meta.challenge(query(), "tökén") == "1158201444"


@pytest.mark.parametrize(
    ("asked", "token"),
    [
        (query(), "other"),
        (query(), ""),
        (query(hub_verify_token=""), ""),
        (query(hub_mode="unsubscribe"), "tökén"),
        ({}, "tökén"),
    ],
)
def test_a_challenge_without_our_token_is_not_answered(asked, token):
    assert meta.challenge(asked, token) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&hash=a-b_c",
        "https://scontent.xx.fbcdn.net/v/t62.7118-24/1.enc?ccb=11-4&oh=01_Q5&_nc_sid=5e03e0",
        "https://graph.facebook.com/v23.0/1",
        "https://lookaside.fbsbx.com:443/1",
        "https://mmg.whatsapp.net/v/1",
    ],
)
def test_a_token_goes_to_hosts_of_metas(url):
    assert meta.is_own_url(url, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/1",
        "https://lookaside.fbsbx.com.evil.com/1",
        "https://evilfbcdn.net/1",
        "https://fbcdn.net.evil.com/1",
        "https://evil.com/lookaside.fbsbx.com",
        "https://lookaside.fbsbx.com@evil.com/1",
        "https://user:pass@lookaside.fbsbx.com/1",
        "https://evil.com\\@lookaside.fbsbx.com/1",
        "https://evil.com#@lookaside.fbsbx.com/1",
        "https://evil.com?.fbcdn.net/1",
        "https://lookaside.fbsbx.com:8443/1",
        "https://lookaside.fbsbx.com:99999999/1",
        "https://127.0.0.1/1",
        "https://[::1]/1",
        "https://lookaside.fbsbx.com /1",
        "https://lookaside.fbsbx.com\n.evil.com/1",
        "https://ⓕbcdn.net/1",
        "file:///etc/passwd",
        "//lookaside.fbsbx.com/1",
        "",
    ],
)
def test_a_token_goes_nowhere_else(url):
    assert not meta.is_own_url(url, None)


def test_the_host_that_the_settings_name_is_trusted_and_only_on_its_port():
    base = "http://127.0.0.1:9000/graph/v23.0"
    assert meta.is_own_url("http://127.0.0.1:9000/media/1", base)
    assert not meta.is_own_url("http://127.0.0.1:9001/media/1", base)
    assert not meta.is_own_url("https://127.0.0.1:9000/media/1", base)
    assert not meta.is_own_url("http://evil.com/media/1", base)
    assert meta.is_own_url("https://lookaside.fbsbx.com/1", base)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://scontent.cdninstagram.com/v/1.jpg?oh=1", True),
        ("https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=2", True),
        ("https://scontent.xx.fbcdn.net/v/1.jpg", True),
        ("https://graph.facebook.com/v23.0/1", False),
        ("https://mmg.whatsapp.net/v/1", False),
        ("https://www.instagram.com/p/1/", False),
        ("https://cdninstagram.com.evil.com/1", False),
        ("http://scontent.cdninstagram.com/1", False),
        ("https://scontent.cdninstagram.com:8443/1", False),
    ],
)
def test_files_are_on_hosts_of_metas_that_need_no_token(url, expected):
    assert meta.is_cdn_url(url, None) is expected


def test_no_token_goes_to_instagrams_files():
    assert not meta.is_own_url("https://scontent.cdninstagram.com/v/1.jpg", None)
