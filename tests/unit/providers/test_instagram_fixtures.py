"""Every shared Instagram body, and what a person who reads it expects of it."""

from datetime import UTC, datetime

import pytest

from providers.instagram import PROVIDER
from schemas.content import MessageKind
from tests.support.fixtures import WEBHOOKS, load, webhook_files
from tests.unit.providers.expectations import Expected, check

FOLDER = WEBHOOKS / "instagram"
ACCOUNT = "17841400000000000"
USER = "200000000000001"


def message(message_id: str, chat: str = USER, account: str = ACCOUNT, kind="message", **says):
    told = {
        "is": "Message",
        "platform_message_id": message_id,
        "person.platform_user_id": chat,
        "from_human": False,
        "is_own": False,
        "is_group": False,
    }
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return Expected(kind, chat, message_id, account, told)


def text(message_id: str, words: str, **more):
    return message(message_id, content__kind=MessageKind.TEXT, content__text=words, **more)


def echo(message_id: str, words: str, **more):
    return text(message_id, words, kind="echo", from_human=True, **more)


def file(message_id: str, url: str, **more):
    told = {"content__kind": MessageKind.IMAGE, "content__media__reference": url}
    return message(message_id, **told, **more)


IMAGE = file("mid.image.1", "https://cdn.example.com/product.jpg")
STORY_REPLY = text(
    "mid.story.reply.1",
    "Is this still available?",
    content__structured={"type": "story_reply", "story_id": "17900000000000001"},
    reply_to=None,
)
REACTION = Expected(
    "reaction",
    USER,
    None,
    ACCOUNT,
    {
        "is": "Message",
        "content.kind": MessageKind.REACTION,
        "content.text": "❤️",
        "content.structured": {"emoji": "❤️", "target": "mid.sent.1"},
    },
)
RANDOM = text(
    "random_mid",
    "random_text",
    chat="12334",
    account="0",
    platform_timestamp=datetime(2018, 5, 27, 22, 23, 44, tzinfo=UTC),
)

EXPECTED = {
    "batch-mixed-messaging__composed.json": [
        text("external_id", "Hello World", chat="5678"),
        echo("mid_ig_echo_001", "Bot response"),
        file("external_id", "https://image-url/foo.png", chat="5678"),
        IMAGE,
        STORY_REPLY,
        Expected(
            "delete", "5678", "external_id", ACCOUNT, {"is": "Deletion", "target": "external_id"}
        ),
        message(
            "qT7ywaK",
            chat="1234567890",
            kind="echo",
            from_human=True,
            content__kind=MessageKind.UNSUPPORTED,
            content__structured={"type": "none", "detail": {}},
        ),
        echo("mid.echo.1", "Your order is on the way."),
        REACTION,
        Expected(
            "message",
            "5678",
            None,
            ACCOUNT,
            {
                "is": "Message",
                "content.kind": MessageKind.INTERACTIVE,
                "content.text": "icebreaker question",
                "content.structured.type": "postback",
                "content.structured.id": "get_started",
            },
        ),
    ],
    "echo__vercel__echo.json": [echo("mid.echo.1", "Your order is on the way.")],
    "image__vercel__image-attachment.json": [IMAGE],
    "reaction__vercel__reaction.json": [REACTION],
    "story-mention__vercel__story-mention.json": [
        file(
            "mid.story.mention.1",
            "https://cdn.example.com/mention.jpg",
            content__structured={"type": "story_mention"},
        )
    ],
    "story-reply__vercel__story-reply.json": [STORY_REPLY],
    "text-changes-style__facebook__dashboard-test-changes.json": [RANDOM],
    "text-standby__chatwoot__instagram-message-standby-event.json": [
        Expected(
            "system",
            "Sender-id-1",
            None,
            "instagram-message-id-123",
            {
                "is": "Notice",
                "notice": "standby",
                "detail.message.mid": "message-id-1",
                "person.platform_user_id": "Sender-id-1",
            },
        )
    ],
    "text-test-event__chatwoot__instagram-test-text-event.json": [RANDOM],
    "text__vercel__replay-echomessage.json": [echo("mid_ig_echo_001", "Bot response")],
    "text__vercel__replay-firstmessage.json": [
        text(
            "mid_ig_text_001",
            "Do you ship to Córdoba?",
            platform_timestamp=datetime(2026, 3, 8, 19, 27, 4, tzinfo=UTC),
        )
    ],
    "text__vercel__replay-quickreply.json": [
        message(
            "mid_ig_quick_001",
            content__kind=MessageKind.INTERACTIVE,
            content__text="Yes",
            content__structured={
                "type": "quick_reply",
                "id": 'chat:{"a":"confirm","v":"yes"}',
                "title": "Yes",
            },
        )
    ],
    "text__vercel__text-dm.json": [text("mid.text.1", "Do you ship to Córdoba?")],
}


def test_every_shared_body_is_expected():
    assert {path.name for path in webhook_files("instagram")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_shared_body_says_what_a_person_reads_in_it(name):
    check(PROVIDER, FOLDER / name, EXPECTED[name])


def test_a_story_that_is_answered_is_named_and_not_opened_to_everybody():
    [item] = PROVIDER.split(load(FOLDER / "story-reply__vercel__story-reply.json"))
    assert item.fragment["event"]["message"]["reply_to"]["story"]["id"] == "17900000000000001"
