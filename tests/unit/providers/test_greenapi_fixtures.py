"""Every shared Green API webhook, and what a person who reads it expects of it."""

from datetime import UTC, datetime

import pytest

from providers.greenapi import PROVIDER
from schemas.content import MessageKind, Status
from tests.support.fixtures import WEBHOOKS, webhook_files
from tests.unit.providers.expectations import Expected, check

FOLDER = WEBHOOKS / "greenapi"
INSTANCE = "7103000000"
JOHN = "79001234567"
GROUP = "120363000000000000@g.us"
ID = "F7AEC1B7086ECDC7E6E45923F5EDB825"
SENT_AT = datetime(2020, 4, 28, 16, 33, tzinfo=UTC)
OUT = "GREEN-API-OUT-1"


def one(kind: str, said: str, *, message_id: str = ID, chat: str = JOHN, **says) -> list[Expected]:
    told = {"is": said} | {name.replace("__", "."): value for name, value in says.items()}
    return [Expected(kind, chat, message_id, INSTANCE, told)]


def message(kind: str, content: MessageKind, *, chat: str = JOHN, **says) -> list[Expected]:
    whole = {
        "platform_message_id": ID,
        "platform_timestamp": SENT_AT,
        "person__platform_user_id": JOHN,
        "person__phone_e164": f"+{JOHN}",
        "content__kind": content,
        "from_human": False,
        "is_own": False,
        "is_group": False,
        "speaker": None,
    }
    return one(kind, "Message", chat=chat, **whole | says)


def status(word: Status, **says) -> list[Expected]:
    return one(
        "status",
        "StatusReport",
        chat="79001234568",
        message_id=f"{OUT}:{word}",
        platform_message_id=OUT,
        status=word,
        reported_at=datetime(2020, 4, 12, 14, 11, 30, tzinfo=UTC),
        **says,
    )


EXPECTED = {
    "deleted__green-api__deleted.json": one(
        "delete", "Deletion", target="84514217EF972039FC3F68A53C196306"
    ),
    # Sent through the API: known again as our own, or as another program's; the sender is the
    # business, so that the name of the chat is the customer's.
    "echo-text__green-api__outgoing-api.json": message(
        "echo",
        MessageKind.TEXT,
        content__text="sent by the API",
        is_own=True,
        person__first_name="Jane",
    ),
    # Typed on the business's phone: a person took over.
    "echo-text__green-api__outgoing-phone.json": message(
        "echo",
        MessageKind.TEXT,
        content__text="I use Green-API to send this message to you!",
        from_human=True,
        person__first_name="John",
    ),
    "edited__green-api__edited.json": one(
        "edit",
        "Edit",
        target="BAE5F7A1A2B3C4D5E6F7A1B2C3D4E5F6",
        content__kind=MessageKind.TEXT,
        content__text="Edited text",
    ),
    # The state of the whole poll after a vote, not something that somebody said.
    "poll-vote__green-api__poll-update.json": one(
        "system",
        "Notice",
        notice="pollUpdateMessage",
        detail__stanzaId="poll-message-id",
        detail__votes__0__optionVoters=["111@c.us"],
        person__platform_user_id=JOHN,
    ),
    "reaction__green-api__reaction.json": message(
        "reaction",
        MessageKind.REACTION,
        content__text="👍",
        content__structured={"emoji": "👍", "target": ID},
        reply_to=None,
        person__first_name="John",
    ),
    "status-failed__green-api__status-failed.json": status(
        Status.FAILED, error_code="failed", error_message="spam"
    ),
    "status-read__green-api__status-read.json": status(Status.READ, error_code=None),
    "status-sent__green-api__status-sent.json": status(Status.SENT, reference=None),
    # WhatsApp holds the account back; the message waits in the queue and may leave yet.
    "status-yellowcard__green-api__status-yellowcard.json": one(
        "system",
        "Notice",
        chat="79001234568",
        message_id=f"{OUT}:yellowCard",
        notice="status:yellowCard",
        detail__idMessage=OUT,
    ),
    "text-group__green-api__group-text.json": message(
        "message",
        MessageKind.TEXT,
        chat=GROUP,
        content__text="Hello group",
        is_group=True,
        speaker=JOHN,
        person__first_name="John",
    ),
    # Neither id, chat nor time: the chat is the sender's, the id is made of what was said.
    "text-missing-ids__doc-example.json": [
        Expected(
            "message",
            "1234567890",
            "content:3c84189c966dca9d2539f9554d6e35a02c2977a899f428a8193661c3977e2d13",
            "7105342242",
            {
                "is": "Message",
                "content.text": "Hi! I want a 3-bedroom condo in Marina Bay",
                "platform_timestamp": None,
                "person.first_name": "Test User",
                "person.phone_e164": None,
            },
        )
    ],
    "text-unicode__green-api__hebrew-rtl.json": one(
        "edit",
        "Edit",
        target="3A2F324F5A148E7F7D58",
        content__text="עמיר כץ סמנכל ביטוח לאומי מכתב 3,000₪",
    ),
    # Green API could not read it: that is no text, and nobody shall see it as one.
    "text-unsupported-error__green-api__swe001.json": message(
        "message",
        MessageKind.UNSUPPORTED,
        content__text=None,
        content__structured__type="textMessage",
        content__structured__detail__error="SWE001",
    ),
}


def test_every_file_has_an_expectation():
    assert {path.name for path in webhook_files("greenapi")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_says_what_a_person_reads_in_it(name):
    check(PROVIDER, FOLDER / name, EXPECTED[name])
