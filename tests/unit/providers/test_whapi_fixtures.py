"""Every shared Whapi webhook, and what a person who reads it expects of it."""

from datetime import UTC, datetime

import pytest

from providers.whapi import PROVIDER
from schemas import codec
from schemas.content import MessageKind, Status
from tests.support.fixtures import WEBHOOKS, load, webhook_files
from tests.unit.providers.expectations import Expected, check

FOLDER = WEBHOOKS / "whapi"
CHANNEL = "MANTIS-M72HC"
GERALD = "919984351847"


def message(chat: str, named: str, kind: MessageKind, item: str = "message", **says) -> Expected:
    told = {"is": "Message", "platform_message_id": named, "content.kind": kind, "is_group": False}
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return Expected(item, chat, named, None, told)


def notice(word: str, chat: str = "", **says) -> list[Expected]:
    told = {"is": "Notice", "notice": word}
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return [Expected("system", chat, None, CHANNEL, told)]


def status(named: str, word: Status, chat: str, **says) -> list[Expected]:
    told = {"is": "StatusReport", "platform_message_id": named, "status": word} | says
    return [Expected("status", chat, f"{named}:{word}", None, told)]


EXPECTED = {
    "batch-30__composed.json": [
        message(
            GERALD,
            f"p.w30M7fgwWD4XwHu.g4CA-gBgTwl0rVw-{n}",
            MessageKind.TEXT,
            content__text=f"m{n}",
            person__phone_e164="+919984351847",
        )
        for n in range(30)
    ],
    "button-reply__whapi__button-with-quoted-hsm.json": [
        message(
            "61371989950",
            "g0jEG0ZsSobn4yNGGU3TAg-gDYOS60TLw",
            MessageKind.INTERACTIVE,
            content__text="Button1",
            content__structured={"type": "buttons_reply", "id": "randomId1", "title": "Button1"},
            reply_to="yqKj.Z7XWg0g1lA-wD8Sij1GoQ",
            person__first_name="Jonathan",
            platform_timestamp=datetime(2024, 9, 12, 7, 28, 44, tzinfo=UTC),
        )
    ],
    "channel-status__alltomatos__webhook-connection-update-qr.json": notice(
        "health.post", detail__status={"code": 3, "text": "QR"}
    ),
    "channel-status__alltomatos__webhook-user-connected.json": notice(
        "user.post", detail={"id": "61371989950", "name": "Jonathan"}
    ),
    "channel-status__alltomatos__webhook-user-disconnected.json": notice("user.delete"),
    "chat-event__whapi__chats-post.json": notice("chats.post", GERALD, detail__unread=1),
    "chat-event__whapi__health-launch.json": notice("health.post", detail__uptime=77),
    "document__alltomatos__webhook-message-document.json": [
        message(
            GERALD,
            "tGZmYoiXecvbKahzwpwKmg-gEcTwl0rVw",
            MessageKind.DOCUMENT,
            content__media__reference="pdf-b487668896662779cbdb29a3c29c0a9a-804713c25d2b57",
            content__media__mime="application/pdf",
            content__media__size=1438781,
            content__media__file_name="File_example.pdf",
            content__media__sha256="4ddc5d817f2507357afd2616f7a17f044875f686f4785027e302805a15a95329",
            content__caption="This is text with file",
            person__first_name="Gerald",
            from_human=False,
        )
    ],
    "echo-text__alltomatos__webhook-message-sent.json": [
        message(
            GERALD,
            "YhNqCveDWW90_t8lzrW25w-wO4Twl0rVw",
            MessageKind.TEXT,
            "echo",
            content__text="Hey bro",
            from_human=True,
            is_own=False,
            person__platform_user_id=GERALD,
            person__first_name=None,
        )
    ],
    "echo-text__chatwoot__whapi-echo-fork-spec.json": [
        message(
            "987654321",
            "whapi_outgoing_1",
            MessageKind.TEXT,
            "echo",
            content__text="This is an echo",
            from_human=True,
        )
    ],
    "image__chatwoot__whapi-image-fork-spec.json": [
        message(
            "123456789",
            "whapi_media_message",
            MessageKind.IMAGE,
            content__caption="This is an image",
            content__media__reference="message:whapi_media_message",
            person__first_name="John Doe",
        )
    ],
    "status-delivered__alltomatos__webhook-ack.json": status(
        "YhNqCveDWW90_t8lzrW25w-wO4Twl0rVw",
        Status.DELIVERED,
        GERALD,
        reported_at=datetime(2024, 4, 13, 8, 2, 58, tzinfo=UTC),
    ),
    "status-failed__chatwoot__whapi-failed-fork-spec.json": status(
        "status_message_id", Status.FAILED, "", error_message="Message undeliverable"
    ),
    "text__alltomatos__webhook-message-received.json": [
        message(
            GERALD,
            "p.w30M7fgwWD4XwHu.g4CA-gBgTwl0rVw",
            MessageKind.TEXT,
            content__text="Hello world",
            platform_timestamp=datetime(2024, 4, 13, 8, 0, 45, tzinfo=UTC),
        )
    ],
}


@pytest.mark.parametrize("path", webhook_files("whapi"), ids=lambda path: path.name)
def test_a_shared_webhook_says_what_a_person_reads_in_it(path):
    check(PROVIDER, path, EXPECTED[path.name])


@pytest.mark.parametrize("path", webhook_files("whapi"), ids=lambda path: path.name)
def test_what_is_kept_of_a_webhook_holds_no_address_of_a_file_and_no_picture(path):
    for item in PROVIDER.split(load(path)):
        kept = codec.dumps(item.fragment)
        assert b"https://" not in kept
        assert b"base64," not in kept


def test_each_webhook_names_its_channel_where_it_tells_one():
    for path in webhook_files("whapi"):
        told = load(path).get("channel_id")
        assert {item.account for item in PROVIDER.split(load(path))} == {told}
