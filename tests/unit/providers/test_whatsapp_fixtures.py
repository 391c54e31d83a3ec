"""Every shared WhatsApp body, and what a person who reads it expects of it."""

from datetime import UTC, datetime

import pytest

from providers.whatsapp_cloud import PROVIDER
from schemas.content import MessageKind, Status
from tests.support.fixtures import WEBHOOKS, load, webhook_files
from tests.unit.providers.expectations import Expected, check

FOLDER = WEBHOOKS / "meta_whatsapp"
ACCOUNT = "1122334455667"
USER = "972987654321"
BSUID_STATUS_CHAT = "CO.1047385771169864"


def message(chat: str = USER, message_id: str = "wamid.xyzxyz", account: str = ACCOUNT, **says):
    told = {"is": "Message", "from_human": False, "is_group": False}
    told |= {name.replace("__", "."): value for name, value in says.items()}
    return Expected("message", chat, message_id, account, told)


def status(word: str, chat: str, message_id: str, account: str, **says):
    told = {"is": "StatusReport", "status": Status(word), "platform_message_id": message_id} | says
    return Expected("status", chat, f"{message_id}:{word}", account, told)


def text(words: str, **more):
    return message(content__kind=MessageKind.TEXT, content__text=words, **more)


def media(kind: MessageKind, reference: str, **more):
    return message(content__kind=kind, content__media__reference=reference, **more)


NAMED = {"person__first_name": "Test Name", "person__phone_e164": "+972987654321"}
NAMELESS = {"person__first_name": None, "person__phone_e164": "+972987654321"}
IN_2023 = datetime(2023, 10, 11, 16, 53, 43, tzinfo=UTC)

EXPECTED = {
    "account-event__david-lev__account-update-account-disabled.json": [
        Expected(
            "system",
            "",
            None,
            "102290129340398",
            {"is": "Notice", "notice": "account_update", "detail.event": "DISABLED_UPDATE"},
        )
    ],
    "account-event__david-lev__user-marketing-preferences-resume.json": [
        Expected(
            "system",
            "16505551234",
            None,
            "106540352242922",
            {"is": "Notice", "notice": "user_preferences", "detail.value": "resume"},
        )
    ],
    "account-event__vercel__bsuid-rotation-user-id-update.json": [
        Expected(
            "system",
            "15557654321",
            None,
            "000000000000000",
            {
                "notice": "user_id_update",
                "detail.user_id.current": "US.24817305912873645029",
                "person.first_name": "Test User",
            },
        )
    ],
    "audio__david-lev__message-audio.json": [
        media(
            MessageKind.AUDIO,
            "1234567890987654321",
            content__media__mime="audio/ogg; codecs=opus",
            **NAMED,
        )
    ],
    "button-reply__david-lev__callback-button-quick-reply-without-context.json": [
        message(
            message_id="wamid.xsidjx",
            content__kind=MessageKind.INTERACTIVE,
            content__text="title",
            content__structured={"type": "button", "id": "callback_data", "title": "title"},
            reply_to=None,
        )
    ],
    "button-reply__vercel__interactive-button-reply.json": [
        message(
            chat="15551234567",
            message_id="wamid.HBgNMTU1NTEyMzQ1NjcVAgASGBQzQUYwMDAwMDAwMDAwMDAwMDAD",
            account="000000000000000",
            content__kind=MessageKind.INTERACTIVE,
            content__text="Approve",
            content__structured__id="btn_approve",
            reply_to="wamid.HBgNMTU1NTEyMzQ1NjcVAgASGBQzQUYwMDAwMDAwMDAwMDAwMDAA",
        )
    ],
    "call-connect__david-lev__call-connect-user-initiated.json": [
        Expected(
            "system",
            USER,
            "wacid.xxxx=:connect",
            "743897493242",
            {"notice": "calls", "detail.event": "connect", "person.first_name": "Test Name"},
        )
    ],
    "contacts-empty__composed__pywa.json": [text("Body Text", **NAMELESS)],
    "contacts-missing__composed__pywa.json": [text("Body Text", **NAMELESS)],
    "contacts-null__composed__pywa.json": [text("Body Text", **NAMELESS)],
    "contacts__david-lev__message-contacts.json": [
        message(
            content__kind=MessageKind.CONTACT,
            content__text="Chandler Bing, Monica, Rachel Green",
            content__structured__contacts__0__name="Chandler Bing",
            content__structured__contacts__0__phones__0__phone="+1 555-555-5555",
            content__structured__contacts__2__phones__0__type="WORK",
        )
    ],
    # Whose phone is whose is muddled in this file and the next: `to` is the business's own
    # number and the customer of `contacts` stands in `from`. The chat is the customer's.
    "echo-delete__david-lev__outgoing-message-delete.json": [
        Expected(
            "delete",
            USER,
            "wamid.yyyyyy",
            ACCOUNT,
            {"is": "Deletion", "target": "wamid.zzzzzz"},
        )
    ],
    "echo-edit__david-lev__outgoing-message-edit.json": [
        Expected(
            "edit",
            USER,
            "wamid.yyyyyy",
            ACCOUNT,
            {"is": "Edit", "target": "wamid.zzzzzz", "content.text": "Text was edited"},
        )
    ],
    "echo-text__botpress__smb-message-echo-text.json": [
        Expected(
            "echo",
            "14169385443",
            "wamid.HBgLMTQxNjkzODU0NDMVAgARGBI5QTND",
            "106540352242922",
            {
                "is": "Message",
                "from_human": True,
                "person.platform_user_id": "14169385443",
                "person.phone_e164": "+14169385443",
                "content.text": "Hi! Thanks for reaching out, this is a human replying.",
            },
        )
    ],
    "echo-text__david-lev__outgoing-message-text.json": [
        Expected(
            "echo",
            "<WHATSAPP_USER_PHONE_NUMBER>",
            "<WHATSAPP_MESSAGE_ID>",
            ACCOUNT,
            {"from_human": True, "content.text": "Test message", "person.phone_e164": None},
        )
    ],
    "edited__david-lev__edited-message-image.json": [
        Expected(
            "edit",
            "16505551234",
            "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=",
            "106540352242922",
            {
                "is": "Edit",
                "target": "wamid.HBgLMTQxMjU1NTA4MjkVAgASGBQzQUNCNjk5RDUwNUZGMUZEM0VBRAA=",
                "content.kind": MessageKind.IMAGE,
                "content.caption": "Updated image caption",
                "content.media.reference": "1234567890",
            },
        )
    ],
    "flow-reply__david-lev__flow-completion-without-flow-token.json": [
        message(
            message_id="wamid.wegrchytvwcggt==",
            content__kind=MessageKind.INTERACTIVE,
            content__text="Sent",
            content__structured__type="nfm_reply",
            content__structured__response__comment_text="Comment Text",
            reply_to="wamid.gvwegfretge==",
        )
    ],
    "image__david-lev__message-media-with-url.json": [
        media(MessageKind.IMAGE, "65463453", content__media__mime="image/jpeg")
    ],
    "image__vercel__image-message.json": [
        media(
            MessageKind.IMAGE,
            "000000000000001",
            chat="15551234567",
            message_id="wamid.HBgNMTU1NTEyMzQ1NjcVAgASGBQzQUYwMDAwMDAwMDAwMDAwMDAB",
            account="000000000000000",
            content__caption="Check this out",
            content__text=None,
        )
    ],
    # The button's content could not be delivered; what is left is a message and an error.
    "interactive-error__david-lev__message-interactive-message-with-err.json": [
        message(
            message_id="wamid.wegrchytvwcggt=",
            content__kind=MessageKind.UNSUPPORTED,
            content__structured__type="interactive",
            content__structured__detail__errors__0__code=131000,
            reply_to="wamid.gvwegfretge==",
        )
    ],
    "list-reply__david-lev__callback-selection-callback.json": [
        message(
            message_id="wamid.zyzxyz",
            content__kind=MessageKind.INTERACTIVE,
            content__structured={"type": "list_reply", "id": "callback_data", "title": "title"},
            reply_to="wamid.xyzxyz",
        )
    ],
    "location__david-lev__message-chosen-location.json": [
        message(
            content__kind=MessageKind.LOCATION,
            content__text="Facebook HQ, 1 Hacker Way, Menlo Park, CA 94025",
            content__structured__latitude=37.4611978,
            content__structured__longitude=-122.2164385,
            content__structured__map_url="https://maps.google.com/?cid=2000000000000000000",
            reply_to=None,
        )
    ],
    "location__david-lev__message-current-location.json": [
        message(
            content__kind=MessageKind.LOCATION,
            content__text="12.25089, 43.90539",
            content__structured__latitude=12.25089,
            content__structured__map_url="https://maps.google.com/?q=12.25089,43.90539",
        )
    ],
    "messages-and-statuses-in-one-value__composed__pywa.json": [
        text("Body Text"),
        status("delivered", BSUID_STATUS_CHAT, "wamid.username-only-delivered", ACCOUNT),
    ],
    "misc__vercel__replay-statusupdate.json": [
        status("sent", "15550002222", "wamid.FAKE_MSG_SENT_001", "100000000000001")
    ],
    "multi-entry-multi-change__composed__pywa.json": [
        one
        for entry in range(3)
        for one in (
            text("Body Text", message_id=f"wamid.E{entry}C0"),
            media(MessageKind.IMAGE, "65463453", message_id=f"wamid.E{entry}C1"),
            status("delivered", BSUID_STATUS_CHAT, f"wamid.OUT{entry}", "business-phone-id"),
            Expected("unrecognised", "", None, f"WABA{entry}", {"is": "Unrecognised"}),
        )
    ],
    "reaction-removed__david-lev__message-unreaction-empty.json": [
        Expected(
            "reaction",
            USER,
            "wamid.xyzxyz",
            ACCOUNT,
            {
                "content.kind": MessageKind.REACTION,
                "content.structured": {"emoji": "", "target": "wamid.yzxyzx="},
            },
        )
    ],
    "reaction-removed__david-lev__message-unreaction-no-emoji.json": [
        Expected(
            "reaction",
            USER,
            "wamid.xyzxyz",
            ACCOUNT,
            {"content.structured": {"emoji": "", "target": "wamid.yzxyzx="}, "content.text": None},
        )
    ],
    "reaction__vercel__reaction.json": [
        Expected(
            "reaction",
            "15551234567",
            "wamid.HBgNMTU1NTEyMzQ1NjcVAgASGBQzQUYwMDAwMDAwMDAwMDAwMDAC",
            "000000000000000",
            {
                "is": "Message",
                "content.kind": MessageKind.REACTION,
                "content.text": "👍",
                "content.structured.target": (
                    "wamid.HBgNMTU1NTEyMzQ1NjcVAgASGBQzQUYwMDAwMDAwMDAwMDAwMDAA"
                ),
            },
        )
    ],
    "status-delivered__botpress__username-only-delivered.json": [
        status("delivered", BSUID_STATUS_CHAT, "wamid.username-only-delivered", "business-phone-id")
    ],
    "status-delivered__david-lev__message-status-delivered.json": [
        status("delivered", USER, "wamid.xyzxyz", ACCOUNT, reference=None)
    ],
    # In a group each participant reads for themselves.
    "status-group__david-lev__message-status-group.json": [
        Expected(
            "status",
            "fowefinoewcnw",
            "<WHATSAPP_MESSAGE_ID>:read:<GROUP_PARTICIPANT_USER_PHONE_NUMBER>",
            "<BUSINESS_PHONE_NUMBER_ID>",
            {"status": Status.READ, "platform_message_id": "<WHATSAPP_MESSAGE_ID>"},
        )
    ],
    "status-played__david-lev__message-status-played.json": [
        status("played", USER, "wamid.xyzxyz", ACCOUNT)
    ],
    "status-read__david-lev__message-status-read.json": [
        status(
            "read",
            USER,
            "wamid.xyzxyz",
            ACCOUNT,
            reported_at=datetime(2023, 7, 15, 0, 20, 58, tzinfo=UTC),
        )
    ],
    "status-with_tracker__david-lev__message-status-with-tracker.json": [
        status("sent", USER, "wamid.xyzxyz", ACCOUNT, reference="some data")
    ],
    "statuses-out-of-order__composed__pywa.json": [
        status(word, BSUID_STATUS_CHAT, "wamid.username-only-delivered", "business-phone-id")
        for word in ("read", "sent", "delivered")
    ],
    "sticker__david-lev__message-animated-sticker.json": [
        media(MessageKind.STICKER, "1234567890987654321", content__media__mime="image/webp")
    ],
    "sticker__david-lev__message-static-sticker.json": [
        media(
            MessageKind.STICKER,
            "1234567890987654321",
            content__media__sha256=(
                "3a64f89e18d48423083cd9a3ede78e65e0988d35e42f1a0ebfce4e3021704ae7"
            ),
        )
    ],
    "system__david-lev__system-identity-change.json": [
        Expected(
            "system",
            USER,
            "wamid.xyzxyz",
            ACCOUNT,
            {
                "is": "Notice",
                "notice": "customer_identity_changed",
                "detail.body": "User identity changed",
                "person.first_name": "User A",
            },
        )
    ],
    "system__david-lev__system-phone-number-change.json": [
        Expected(
            "system",
            USER,
            "wamid.xyzxyz==",
            ACCOUNT,
            {"notice": "user_changed_number", "detail.wa_id": "972912345678"},
        )
    ],
    "system__vercel__system-message-user-changed-number.json": [
        Expected(
            "system",
            "15551234567",
            "wamid.HBgNMTU1NTEyMzQ1NjcVAgASGBQzQUYwMDAwMDAwMDAwMDAwMDAC",
            "000000000000000",
            {"notice": "user_changed_number", "detail.wa_id": "15557654321"},
        )
    ],
    "text-bsuid__botpress__username-only-no-wa-id.json": [
        text(
            "Hello",
            chat="CO.1047385771169864",
            message_id="wamid.username-only-incoming",
            account="business-phone-id",
            person__platform_user_id="CO.1047385771169864",
            person__phone_e164=None,
            person__username="Julianzlc",
            person__first_name="Julian",
        )
    ],
    "text-forwarded__david-lev__message-forwarded-many-times.json": [
        text("text forwarded many times", reply_to=None)
    ],
    "text-referral__david-lev__message-referral.json": [text("BODY", message_id="wamid.ID")],
    "text__david-lev__message-text.json": [
        text("Body Text", platform_timestamp=IN_2023, speaker=None, **NAMED)
    ],
    "text__vercel__replay-secondmessage.json": [
        text(
            "Tell me more",
            chat="15550002222",
            message_id="wamid.FAKE_MSG_ID_002",
            account="100000000000001",
        )
    ],
    "unicode-nul-and-lone-surrogate__composed__pywa.json": [
        text("a\ufffdb \ufffd \u202eabc \U0001f469\u200d\U0001f4bb e\u0301")
    ],
    "unknown-type-future__composed__pywa.json": [
        message(
            content__kind=MessageKind.UNSUPPORTED,
            content__structured__type="hologram_2029",
            content__structured__detail={"hologram_2029": {"id": "1"}},
        )
    ],
    "unsupported__david-lev__message-unsupported-with-type.json": [
        message(
            content__kind=MessageKind.UNSUPPORTED,
            content__structured__type="unsupported",
            content__structured__detail__errors__0__code=131051,
        )
    ],
    "video__david-lev__message-video.json": [
        media(MessageKind.VIDEO, "765756756", content__caption="caption", **NAMED)
    ],
}
LARGE = {
    "batch-50-messages-2-senders__composed__pywa.json",
    "huge-900-messages-1mb__composed__pywa.json",
    "text-4096-unicode__composed__pywa.json",
}


def test_every_file_has_an_expectation():
    assert {path.name for path in webhook_files("whatsapp_cloud")} == set(EXPECTED) | LARGE


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_says_what_a_person_reads_in_it(name):
    check(PROVIDER, FOLDER / name, EXPECTED[name])


def test_a_batch_of_two_senders_keeps_each_message_with_its_sender():
    items = PROVIDER.split(load(FOLDER / "batch-50-messages-2-senders__composed__pywa.json"))
    assert [item.message_id for item in items] == [f"wamid.BATCH{i:04}" for i in range(50)]
    assert [item.platform_user_id for item in items] == [USER, "972500000002"] * 25
    said = [PROVIDER.parse(item.kind, item.fragment) for item in items]
    assert [one.person.first_name for one in said] == ["Test Name", "Second שלום 🧵"] * 25
    assert all(one.content.text.startswith(f"message {i} ") for i, one in enumerate(said))


def test_nine_hundred_messages_of_one_body_are_nine_hundred_items():
    items = PROVIDER.split(load(FOLDER / "huge-900-messages-1mb__composed__pywa.json"))
    assert [item.message_id for item in items] == [f"wamid.HUGE{i:05}" for i in range(900)]
    assert {item.platform_user_id for item in items} == {USER}


def test_the_longest_text_is_kept_whole():
    [item] = PROVIDER.split(load(FOLDER / "text-4096-unicode__composed__pywa.json"))
    said = PROVIDER.parse(item.kind, item.fragment)
    assert len(said.content.text) == 4096
    assert set(said.content.text) == {"ש"}
