"""`chatfold webhook explain` shows what a body would become, and needs no server for it."""

import json

import pytest
from typer.testing import CliRunner

from chatfold.cli.webhook import app
from tests.support.fixtures import SAMPLES, WEBHOOKS, sample_files

TEXT = SAMPLES / "whatsapp_cloud" / "text.json"


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, ["explain", *map(str, arguments)], input=stdin)


def explained(*arguments, stdin=None):
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_json_names_the_provider_the_account_and_every_item():
    told = explained("whatsapp_cloud", TEXT)
    assert (told["provider"], told["account"]) == ("whatsapp_cloud", "200000000000001")
    [item] = told["items"]
    assert item["kind"] == "message"
    assert item["chat"] == "15550100201"
    assert item["message_id"] == "wamid.SAMPLE-text"
    assert item["message_kind"] == "text"
    assert item["direction"] == "in"
    assert item["text"] == "Hello, do you have the blue one in size 42? 🙂"
    assert item["person"] == {
        "platform_user_id": "15550100201",
        "phone_e164": "+15550100201",
        "first_name": "Ada Lovelace",
    }


def test_a_body_may_come_by_standard_input():
    told = explained("whatsapp_cloud", "-", stdin=TEXT.read_bytes())
    assert told == explained("whatsapp_cloud", TEXT)


def test_several_accounts_are_named_item_by_item():
    told = explained(
        "whatsapp_cloud",
        WEBHOOKS / "meta_whatsapp" / "multi-entry-multi-change__composed__pywa.json",
    )
    assert told["account"] is None
    assert len(told["items"]) == 12
    assert {item["account"] for item in told["items"]} >= {"1122334455667", "WABA0"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("echo", {"kind": "echo", "direction": "out"}),
        ("status_failed", {"status": "failed", "error_code": "131047", "direction": None}),
        ("edit", {"target": "wamid.SAMPLE-text", "message_kind": "text"}),
        ("delete", {"target": "wamid.SAMPLE-text", "text": None}),
        ("call", {"kind": "system", "notice": "calls"}),
        ("unknown_shape", {"kind": "unrecognised", "chat": ""}),
        ("voice", {"message_kind": "voice"}),
        ("location", {"text": "Science Museum, Exhibition Road, London"}),
    ],
)
def test_each_kind_tells_what_there_is_to_tell_of_it(name, expected):
    [item] = explained("whatsapp_cloud", SAMPLES / "whatsapp_cloud" / f"{name}.json")["items"]
    assert {key: item[key] for key in expected} == expected


@pytest.mark.parametrize("provider", ["whatsapp_cloud", "telegram"])
def test_every_sample_is_explained_to_people_and_to_programs(provider):
    for path in sample_files(provider):
        items = explained(provider, path)["items"]
        result = run(provider, path)
        assert result.exit_code == 0
        assert f"{len(items)} items of {provider}" in result.stdout


def test_the_table_shows_words_and_ids():
    shown = run("telegram", SAMPLES / "telegram" / "interactive_button.json").stdout
    for word in ("message", "700000201", "interactive", "Yes, please", "3000000000000000001"):
        assert word in shown


def test_words_are_never_read_as_markup(tmp_path):
    body = json.loads(TEXT.read_text())
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    message["text"]["body"] = "[bold]x[/bold] [/nothing]"
    path = tmp_path / "body.json"
    path.write_text(json.dumps(body))
    assert "[bold]x[/bold] [/nothing]" in run("whatsapp_cloud", path).stdout


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"not json"])
def test_what_is_not_json_is_refused_with_its_place(tmp_path, body):
    path = tmp_path / "body.json"
    path.write_bytes(body)
    result = run("telegram", path)
    assert result.exit_code == 2
    assert "is not JSON" in result.stderr
    assert "Traceback" not in result.output


def test_json_of_any_shape_is_explained():
    for body in ("null", "[]", "7", '"x"', "{}"):
        [item] = explained("telegram", "-", stdin=body)["items"]
        assert item["kind"] == "unrecognised"


def test_an_unknown_provider_is_refused_and_the_known_are_named():
    result = run("carrier_pigeon", TEXT)
    assert result.exit_code == 2
    assert "whatsapp_cloud, telegram" in result.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path):
    result = run("telegram", tmp_path / "nothing.json")
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
