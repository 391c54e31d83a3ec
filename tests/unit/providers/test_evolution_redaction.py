"""What of an Evolution webhook never enters the log, and that a record always fits into it."""

import copy
from base64 import b64encode

import pytest
from hypothesis import given

from providers.evolution import PROVIDER
from providers.evolution.redaction import redacted
from schemas import codec
from schemas.topics import MAX_MESSAGE_BYTES
from tests.contract.evolution_case import message, upsert
from tests.support.fixtures import load, sample_files, webhook_files
from tests.unit.providers.strategies import JSON

KEY = "B6D711FCDE4D4FD5936544120E713976"
FILES = [*webhook_files("evolution"), *sample_files("evolution")]
NAMES = ["apikey", "apiKey", "api_key", "APIKEY", "api-key", "instanceToken", "token"]
HEADROOM = 200_000  # headers, and what the input says beside the fragment


def logged(body):
    """All that the items of a body would bring into the log, however it is read."""
    kept = codec.dumps([item.fragment for item in PROVIDER.split(body)])
    assert codec.dumps([item.fragment for item in PROVIDER.read(codec.dumps(body))]) == kept
    return kept


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", NAMES)
def test_no_key_enters_the_log_at_any_depth(path, name):
    body = load(path)
    for holder in list(objects(body)):
        holder[name] = KEY
    assert KEY.encode() not in logged(body)


def objects(value):
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            yield from objects(one)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_accounts_key_is_struck_wherever_else_it_stands(path):
    body = load(path)
    for holder in list(objects(body)):
        holder["other"] = f"https://example.com/?key={KEY}"
        holder[f"by {KEY}"] = [KEY]
    assert KEY.encode() not in logged(body | {"apikey": KEY})
    assert KEY.encode() not in logged(body | {"instanceToken": KEY})


def test_the_global_key_in_a_report_of_an_error_does_not_enter_the_log():
    body = {"event": "error", "data": {"error": "x", "status": 500}, "api_key": KEY}
    assert KEY.encode() not in logged(body)


@pytest.mark.parametrize("written", [KEY, KEY.replace("B6", r"\u00426")])
@pytest.mark.parametrize("key", [KEY, KEY + "/x"])
def test_the_key_is_struck_however_its_letters_are_written(key, written):
    written += r"\/x" if key.endswith("/x") else ""
    body = upsert(message("1", conversation="TOLD")) | {"apikey": "TOLD"}
    raw = codec.dumps(body).replace(b"TOLD", written.encode(), 1).replace(b"TOLD", key.encode())
    assert codec.loads(raw)["apikey"] == key
    kept = codec.dumps([item.fragment for item in PROVIDER.read(raw)])
    assert KEY.encode() not in kept
    assert b"***" in kept


def test_a_short_key_mangles_no_words():
    body = upsert(message("1", conversation="a demo")) | {"apikey": "demo"}
    assert b"a demo" in logged(body)


@pytest.mark.parametrize("name", ["qrcode.updated", "QRCODE_UPDATED", "creds.update"])
def test_what_lets_one_take_over_the_account_does_not_enter_the_log(name):
    secret = {"code": "2@secret", "me": {"noiseKey": "secret"}, "list": ["secret"]}
    body = {"event": name, "instance": "i", "data": secret}
    assert b"secret" not in logged(body)


FILE = {
    "url": "https://mmg.whatsapp.net/secret.enc",
    "directPath": "/secret.enc",
    "mediaKey": {"0": 115, "secret": 1},
    "jpegThumbnail": "secret",
    "mimetype": "image/png",
    "base64": "secret",
    "waveform": "secret",
}


def test_neither_files_nor_what_opens_them_enter_the_log():
    content = {"imageMessage": FILE, "base64": "secret", "mediaUrl": "https://s3/?sig=secret"}
    quoted = {"quotedMessage": {"imageMessage": FILE}, "stanzaId": "1"}
    told = message("1", **content) | {"contextInfo": quoted, "base64": "secret"}
    assert b"secret" not in logged(upsert(told))
    wrapped = message("1", ephemeralMessage={"message": content})
    assert b"secret" not in logged(upsert(wrapped))


def test_the_address_of_a_place_is_kept():
    place = {"degreesLatitude": 1, "degreesLongitude": 2, "url": "https://example.com/here"}
    assert b"https://example.com/here" in logged(upsert(message("1", locationMessage=place)))


BIG = b64encode(bytes(15_000_000)).decode()


@pytest.mark.parametrize("place", ["message", "node", "data"])
def test_a_file_of_20_megabytes_in_a_webhook_leaves_a_small_record(place):
    told = message("1", imageMessage={"mimetype": "image/png"})
    holders = {"message": told["message"], "node": told["message"]["imageMessage"], "data": told}
    holders[place]["base64"] = BIG
    body = codec.dumps(upsert(told))
    assert len(body) > 20_000_000
    [item] = PROVIDER.read(body)
    assert len(codec.dumps(item.fragment)) < 1_000
    assert PROVIDER.parse(item.kind, item.fragment).content.media.reference == "sales/3EB01"


@pytest.mark.parametrize(
    "huge",
    [
        "\x01" * 1_000_000,
        "🧵" * 1_500_000,
        [["x" * 50_000] * 100],
        [["\x01" * 50_000] * 100],
        {f"{n}": n for n in range(400_000)},
        [[[]] * 1_500_000],
        {"x" * 2_500_000: {"x" * 2_500_000: 1}},
    ],
    ids=["controls", "emoji", "texts", "escapes", "numbered", "lists", "names"],
)
@pytest.mark.parametrize("event", ["messages.upsert", "connection.update", "messages.delete"])
def test_a_record_fits_into_the_log_however_large_the_webhook_is(event, huge):
    told = message("1", surprise=huge) | {"other": huge}
    for data in (told, huge, {"key": huge}):
        body = upsert(told) | {"event": event, "data": data, "date_time": huge}
        for item in PROVIDER.split(body):
            assert len(codec.dumps(item.fragment)) < MAX_MESSAGE_BYTES - HEADROOM


def test_a_message_beside_a_huge_part_is_read():
    told = message("1", conversation="hi") | {"other": ["x" * 50_000] * 400}
    [item] = PROVIDER.split(upsert(told))
    assert PROVIDER.parse(item.kind, item.fragment).content.text == "hi"


@given(JSON)
def test_what_holds_no_secret_is_kept_as_it_is(value):
    harmless = renamed(value)
    before = copy.deepcopy(harmless)
    assert redacted(harmless) == before
    assert harmless == before


def renamed(value):
    if isinstance(value, dict):
        return {f"a {name}": renamed(one) for name, one in value.items()}
    return [renamed(one) for one in value] if isinstance(value, list) else value
