"""Every shared Evolution body, and what a person who reads it expects of it."""

from datetime import UTC, datetime

import pytest

from providers.evolution import PROVIDER
from schemas.content import MessageKind, Status
from tests.support.fixtures import WEBHOOKS, load, webhook_files
from tests.unit.providers.expectations import Expected, check

FOLDER = WEBHOOKS / "evolution"
CUSTOMER = "5511999999999"
GO = "249aad2e-68f9-464f-bc84-aca560c38f0e"
GROUP = "123456789-987654321@g.us"


def notice(word, chat="", account="test-instance", **says):
    told = {"is": "Notice", "notice": word, "person": None}
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return [Expected("system", chat, None, account, told)]


EXPECTED = {
    "channel-status__lynkbyte__connection-update.json": notice(
        "connection.update", detail__state="open", detail__statusReason=200
    ),
    "edited__evolutionapi__source-protocol-message.json": [
        Expected(
            "edit",
            CUSTOMER,
            "3EB0F92CAB0D0C54F4DC65:1710000200000",
            "minha-instancia",
            {
                "is": "Edit",
                "target": "3EB0F92CAB0D0C54F4DC65",
                "content.kind": MessageKind.TEXT,
                "content.text": "texto corrigido",
            },
        )
    ],
    "go-channel-status__alltomatos__webhook-connection-update.json": notice(
        "connected", account=GO, detail__status="open"
    ),
    "go-group-event__alltomatos__webhook-group-joined.json": notice(
        "joinedgroup", GROUP, GO, detail__Name="Grupo de teste"
    ),
    "go-group-event__alltomatos__webhook-group-multiple-changes.json": notice(
        "groupinfo", GROUP, GO, detail__Promote__0="5511977776666@s.whatsapp.net"
    ),
    "go-group-event__alltomatos__webhook-group-subject-update.json": notice(
        "groupinfo", GROUP, GO, detail__Name__Name="Novo nome do grupo"
    ),
    "go-status-read__alltomatos__webhook-ack.json": [
        Expected(
            "status",
            "557499879409",
            "3EB0C05FF2D3A0068B2A2D:read",
            GO,
            {
                "is": "StatusReport",
                "platform_message_id": "3EB0C05FF2D3A0068B2A2D",
                "status": Status.READ,
                "reported_at": datetime(2024, 10, 10, 20, 18, tzinfo=UTC),
            },
        )
    ],
    "go-text__alltomatos__webhook-message-received.json": [
        Expected(
            "message",
            "557499879409",
            "3EB0C05FF2D3A0068B2A2D",
            GO,
            {
                "is": "Message",
                "content.kind": MessageKind.TEXT,
                "content.text": "oi",
                "person.first_name": "Davidson Gomes",
                "person.phone_e164": "+557499879409",
                "platform_timestamp": datetime(2024, 10, 10, 20, 17, 44, tzinfo=UTC),
                "from_human": False,
                "is_group": False,
            },
        )
    ],
    "group-event__lynkbyte__group-participants-update.json": notice(
        "group.participants.update", "123456789@g.us", detail__action="add"
    ),
    "status-read__evolutionapi__source-keyid-update.json": [
        Expected(
            "status",
            CUSTOMER,
            "3EB0F92CAB0D0C54F4DC65:delivered",
            "minha-instancia",
            {
                "is": "StatusReport",
                "platform_message_id": "3EB0F92CAB0D0C54F4DC65",
                "status": Status.DELIVERED,
                "reported_at": None,
            },
        )
    ],
    "text__lynkbyte__messages-upsert.json": [
        Expected(
            "message",
            CUSTOMER,
            "BAE5F2A7C4E99999",
            "test-instance",
            {
                "is": "Message",
                "content.kind": MessageKind.TEXT,
                "content.text": "Hello, this is a test message!",
                "person.first_name": "John Doe",
                "person.phone_e164": "+5511999999999",
                "platform_timestamp": datetime(2024, 1, 1, tzinfo=UTC),
                "also_known_as": (),
                "is_own": False,
                "is_history": False,
            },
        )
    ],
}


def test_every_file_has_an_expectation():
    assert {path.name for path in webhook_files("evolution")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_says_what_a_person_reads_in_it(name):
    check(PROVIDER, FOLDER / name, EXPECTED[name])


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_key_of_an_account_is_in_an_item(name):
    body = load(FOLDER / name)
    key = body.get("apikey") or body["instanceToken"]
    assert key
    assert not any(key in repr(item) for item in PROVIDER.split(body))
