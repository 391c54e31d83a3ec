"""Every shared Telegram update, and what a person who reads it expects of it."""

from datetime import UTC, datetime

import pytest

from providers.telegram import PROVIDER
from schemas.content import MessageKind
from tests.support.fixtures import WEBHOOKS, webhook_files
from tests.unit.providers.expectations import Expected, check

FOLDER = WEBHOOKS / "telegram"
GROUP = "-10011869112345"
SENDER = "12345678"
CHANNEL = "-1002236736395"


def message(chat: str, number: int, kind: MessageKind, **says) -> list[Expected]:
    named = f"{chat}:{number}"
    told = {"is": "Message", "platform_message_id": named, "content.kind": kind}
    told |= {"from_human": False, "is_group": chat.startswith("-")}
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return [Expected("message", chat, named, None, told)]


def notice(chat: str, message_id: str, word: str, **says) -> list[Expected]:
    told = {"is": "Notice", "notice": word}
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return [Expected("system", chat, message_id, None, told)]


def edit(chat: str, number: int, update: int, **says) -> list[Expected]:
    told = {"is": "Edit", "target": f"{chat}:{number}"}
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return [Expected("edit", chat, f"{chat}:{number}:{update}", None, told)]


DOCUMENT = message(
    SENDER,
    106,
    MessageKind.DOCUMENT,
    content__media__reference="FILEID",
    content__media__mime="text/plain",
    content__media__file_name="aaa.txt",
    content__media__size=2,
)
START = message(SENDER, 105, MessageKind.TEXT, content__text="/start", person__username="Username")

EXPECTED = {
    # A caption is what the person wrote, also where the picture is missing.
    "caption-only__chatwoot__caption-without-media.json": message(
        "23", 1, MessageKind.TEXT, content__text="test", person__last_name="Jose"
    ),
    "chat-member__teloxide__update-issue-523.json": notice(
        "0", "my_chat_member:0", "my_chat_member", detail__new_chat_member__status="kicked"
    ),
    "contacts__rubenlagus__update-259894312-17.json": message(
        GROUP,
        5,
        MessageKind.CONTACT,
        speaker=SENDER,
        content__text="FirstName LASNAME",
        content__structured__contacts__0__phones__0__phone="618490765",
        content__structured__contacts__0__vcard="BEGIN:VCARD \nVERSION:3.0",
        person__phone_e164=None,
    ),
    "dice__teloxide__update-dice-works.json": message(
        "-1001276785818",
        35410,
        MessageKind.UNSUPPORTED,
        content__text="🎲 2",
        content__structured__type="dice",
        content__structured__detail__dice__value=2,
    ),
    "document__rubenlagus__update-259894303-6.json": DOCUMENT,
    "document__rubenlagus__update-259894303-8.json": DOCUMENT,
    "edited__public-code-index__edited-message.json": edit(
        "555", 77, 2001, content__text="corrected", content__kind=MessageKind.TEXT
    ),
    "edited__rubenlagus__update-259894315-20.json": edit(
        GROUP, 7, 259894315, content__kind=MessageKind.LOCATION
    ),
    "edited__rubenlagus__update-259894317-22.json": edit(
        GROUP, 7, 259894317, content__structured__latitude=0.004822
    ),
    "edited__rubenlagus__update-259894319-24.json": edit(
        GROUP, 8, 259894319, content__kind=MessageKind.LOCATION
    ),
    "forum-topic-created__teloxide__message-topic-created.json": notice(
        "-1001847508954", "-1001847508954:4", "forum_topic_created"
    ),
    "giveaway-winners__teloxide__message-giveaway-winners.json": message(
        CHANNEL,
        28,
        MessageKind.UNSUPPORTED,
        content__structured__type="giveaway_winners",
        reply_to=f"{CHANNEL}:27",
        speaker=CHANNEL,
    ),
    "giveaway__teloxide__message-giveaway.json": message(
        CHANNEL, 27, MessageKind.UNSUPPORTED, content__structured__type="giveaway"
    ),
    "image-group__rubenlagus__update-259894310-15.json": message(
        GROUP, 3, MessageKind.IMAGE, content__media__size=93424, speaker=SENDER
    ),
    "image__rubenlagus__update-259894300-3.json": message(
        SENDER,
        103,
        MessageKind.IMAGE,
        content__media__size=114661,
        content__media__mime="image/jpeg",
        person__first_name="FistName",
        speaker=None,
    ),
    "image__teloxide__message-parse-caption-entities.json": message(
        "27433968",
        3460,
        MessageKind.IMAGE,
        content__caption="www.example.com",
        content__text=None,
        content__media__size=162061,
    ),
    "image__teloxide__message-show-caption-above-media.json": message(
        "1459074222", 140, MessageKind.IMAGE, content__caption="El Psy Kongroo"
    ),
    "left-chat-member__rubenlagus__update-259894305-10.json": notice(
        GROUP, f"{GROUP}:108", "left_chat_member", person__platform_user_id=SENDER
    ),
    "location-venue__teloxide__message-issue-481.json": message(
        "0",
        0,
        MessageKind.LOCATION,
        content__text="Title, Address",
        content__structured__name="Title",
        platform_timestamp=None,
    ),
    "location__rubenlagus__update-259894313-18.json": message(
        GROUP,
        6,
        MessageKind.LOCATION,
        content__structured__longitude=-0.004822,
        content__structured__map_url="https://maps.google.com/?q=0.004822,-0.004822",
    ),
    "location__rubenlagus__update-259894318-23.json": message(GROUP, 8, MessageKind.LOCATION),
    "message-misc__rubenlagus__update-259939677-54.json": notice(
        "-552721116", "-552721116:1", "group_chat_created"
    ),
    "message-misc__rubenlagus__update-259939680-57.json": notice(
        "-1001308316775", "-1001308316775:3", "video_chat_participants_invited"
    ),
    "message-misc__teloxide__message-empty-message.json": message(
        "1234567890", 875400, MessageKind.UNSUPPORTED, content__structured__type="none"
    ),
    "migrate-to-chat-id__rubenlagus__update-259894307-12.json": notice(
        GROUP, f"{GROUP}:110", "migrate_to_chat_id", detail__migrate_to_chat_id=-10011869112345
    ),
    "migrate-to-chat-id__teloxide__message-issue-427.json": notice(
        "-599075523",
        "-599075523:16",
        "migrate_to_chat_id",
        detail__migrate_to_chat_id=-1001555296434,
    ),
    "new-chat-members__rubenlagus__update-259894304-9.json": notice(
        GROUP, f"{GROUP}:107", "new_chat_members", detail__new_chat_members__0__id=123455678
    ),
    "other-chat-boost__teloxide__update-chat-boost-updated.json": notice(
        CHANNEL, "chat_boost:71651297", "chat_boost"
    ),
    "other-new-update-kind__teloxide__update-new-update-kind-error.json": [
        Expected("unrecognised", "", None, None, {"is": "Unrecognised"})
    ],
    "other-purchased-paid-media__teloxide__update-paid-media-purchased-de.json": notice(
        "408258968", "purchased_paid_media:573255267", "purchased_paid_media"
    ),
    "other-removed-chat-boost__teloxide__update-chat-boost-removed.json": notice(
        CHANNEL, "removed_chat_boost:71651297", "removed_chat_boost"
    ),
    "pinned-message__teloxide__update-pinned-message-works.json": notice(
        "-1001276785818", "-1001276785818:20225", "pinned_message"
    ),
    "poll__rubenlagus__update-259894311-16.json": message(
        GROUP,
        4,
        MessageKind.UNSUPPORTED,
        content__text="My test poll",
        content__structured__detail__poll__options__1__text="Yes option",
    ),
    "reaction-count__teloxide__update-message-reaction-count-updated.json": notice(
        CHANNEL, "message_reaction_count:71651251", "message_reaction_count"
    ),
    "service-chat-shared__teloxide__message-de-shared-chat.json": notice(
        "250918540", "250918540:198283", "chat_shared", detail__chat_shared__chat_id=384939
    ),
    "service-message-auto-delete-timer-changed__rubenlagus__update-259894298-59.json": notice(
        SENDER, f"{SENDER}:101", "message_auto_delete_timer_changed"
    ),
    "service-sender-chat__teloxide__message-issue-475.json": notice(
        "-1001331354980", "-1001331354980:198295", "video_chat_started"
    ),
    "service-sender-chat__teloxide__message-paid-message-price-changed.json": notice(
        CHANNEL, f"{CHANNEL}:27", "paid_message_price_changed"
    ),
    "service-sender-chat__teloxide__message-suggested-post-approval-failed.json": notice(
        CHANNEL, f"{CHANNEL}:27", "suggested_post_approval_failed"
    ),
    "service-sender-chat__teloxide__message-suggested-post-approved.json": notice(
        CHANNEL, f"{CHANNEL}:27", "suggested_post_approved"
    ),
    "sticker__rubenlagus__update-259894309-14.json": message(
        GROUP,
        2,
        MessageKind.STICKER,
        content__text="🤬",
        content__media__size=13187,
        content__media__mime="application/x-tgsticker",
    ),
    "sticker__teloxide__message-de-sticker.json": message(
        "250918540",
        199787,
        MessageKind.STICKER,
        content__media__reference=(
            "CAACAgIAAxkBAAESLdBjMImep-J0W8XaTN6S_Lz1-j1QIQACIwADsND4DGmmygHGlyggKQQ"
        ),
        person__first_name="Андрей",
    ),
    # A forwarded story: Telegram tells where it is, not what it shows.
    "story__teloxide__update-issue-1107.json": message(
        "-1001293752024",
        134545,
        MessageKind.UNSUPPORTED,
        content__structured__type="story",
        speaker="6962620676",
    ),
    "text-group__chatwoot__group.json": message(
        "23", 1, MessageKind.TEXT, content__text="test", is_group=True, speaker="23"
    ),
    # An anonymous administrator: `from` is a stand-in, the group itself speaks.
    "text-group__teloxide__message-issue-419.json": message(
        "-1001160242915", 1, MessageKind.TEXT, content__text="text", speaker="-1001160242915"
    ),
    "text-mention__vercel__replay-mention.json": message(
        "7527593", 133, MessageKind.TEXT, content__text="@vercelchatsdkbot hi", speaker=None
    ),
    "text-reply__rubenlagus__update-259894341-46.json": message(
        GROUP, 12, MessageKind.TEXT, content__text="And the answer", reply_to=f"{GROUP}:11"
    ),
    # The first message of a topic "answers" the notice that the topic began: no real reply.
    "text-reply__teloxide__message-topic-message.json": message(
        "-1001847508954", 5, MessageKind.TEXT, content__text="blah", reply_to=None
    ),
    "text__rubenlagus__update-259894299-2.json": message(
        SENDER, 102, MessageKind.TEXT, content__text="/start"
    ),
    "text__rubenlagus__update-259894302-5.json": START,
    "text__rubenlagus__update-259894302-7.json": START,
    "text__teloxide__message-de-text.json": message(
        "250918540", 199785, MessageKind.TEXT, content__text="Лол кек 😂"
    ),
    "text__teloxide__message-effect-id.json": message(
        "1459074222", 139, MessageKind.TEXT, content__text="El Psy Kongroo"
    ),
    "text__teloxide__update-de-private-chat-text-message.json": message(
        "408258968", 154, MessageKind.TEXT, content__text="4", person__username="hirrolot"
    ),
    "text__teloxide__update-message.json": message(
        "218485655",
        6557,
        MessageKind.TEXT,
        content__text="hello there",
        platform_timestamp=datetime(2019, 9, 26, 17, 19, 2, tzinfo=UTC),
    ),
    "video__chatwoot__video.json": message(
        "23",
        1,
        MessageKind.VIDEO,
        content__media__file_name="IMG_2170.MOV",
        content__media__mime="video/mp4",
    ),
    "video__teloxide__message-de-media-forwarded.json": message(
        "250918540", 198283, MessageKind.VIDEO, content__media__size=1381334
    ),
    # One picture of an album is one message.
    "video__teloxide__message-de-media-group-forwarded.json": message(
        "250918540",
        198283,
        MessageKind.VIDEO,
        content__media__reference="BAADAgADpgQAAgX9qEud6QcgPiOAlhYE",
    ),
    "voice__rubenlagus__update-259894301-4.json": message(
        SENDER, 104, MessageKind.VOICE, content__media__mime="audio/ogg", content__media__size=8386
    ),
    "write-access__rubenlagus__write-access.json": notice(
        "11111111", "11111111:180", "write_access_allowed"
    ),
}


def test_every_file_has_an_expectation():
    assert {path.name for path in webhook_files("telegram")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_says_what_a_person_reads_in_it(name):
    check(PROVIDER, FOLDER / name, EXPECTED[name])
