"""Green API webhooks: which chat, which kind, which id, which words."""

import pytest

from providers.greenapi import PROVIDER
from providers.protocol import Deletion, Edit, Notice, StatusReport, Unrecognised, Webhook
from schemas import codec
from schemas.content import MessageKind, Status
from tests.support.fixtures import SAMPLES, load

ADA = "15550100201@c.us"
GROUP = "120363000000000201@g.us"
STANZA = {"stanzaId": "S1", "participant": "15550100100@c.us"}


def event(word="textMessage", **more):
    sender = {"chatId": ADA, "sender": ADA, "chatName": "Ada L", "senderName": "Ada"}
    told = {
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": 200, "wid": "15550100100@c.us"},
        "timestamp": 1697043223,
        "idMessage": "M1",
        "senderData": sender,
        "messageData": {"typeMessage": word},
    }
    for name, value in more.items():
        target = told if name in told or name in {"chatId", "status", "from"} else None
        (told if target is not None else told["messageData"])[name] = value
    return told


def text(words="hi", **more):
    return event(textMessageData={"textMessage": words}, **more)


def sender(**parts):
    return {"senderData": parts}


def file(word, **node):
    return event(word, fileMessageData=node)


def only(whole):
    [item] = PROVIDER.split(whole)
    return item


def said(whole):
    item = only(whole)
    return PROVIDER.parse(item.kind, item.fragment)


def content(whole):
    return said(whole).content


def sample(name):
    return load(SAMPLES / "greenapi" / f"{name}.json")


# Authenticity


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("s3cr3t", "s3cr3t"),
        ("Bearer s3cr3t", "s3cr3t"),
        ("bearer s3cr3t", "s3cr3t"),
        ("Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz"),
        ("Bearer s3cr3t", "Bearer s3cr3t"),
        ("two words", "two words"),
    ],
)
def test_the_token_is_known_bare_and_after_a_scheme(header, secret):
    assert PROVIDER.verify(Webhook(b"{}", {"authorization": header}), secret)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer other", "s3cr3", "Digest s3cr3t"])
def test_nothing_else_is_the_token(header):
    assert not PROVIDER.verify(Webhook(b"{}", {"authorization": header}), "s3cr3t")


def test_a_token_with_a_scheme_is_sent_as_it_was_typed():
    assert PROVIDER.sign(b"", "Basic abc") == {"authorization": "Basic abc"}
    assert PROVIDER.sign(b"", "abc") == {"authorization": "Bearer abc"}


# Every JSON body becomes an item


@pytest.mark.parametrize(
    "whole",
    [
        None,
        [],
        7,
        {},
        {"typeWebhook": "telepathy"},
        {"typeWebhook": ["incomingMessageReceived"]},
        {"receiptId": 1, "body": None},
        {"receiptId": 1, "body": {"typeWebhook": 7}},
        {"typeWebhook": "incomingMessageReceived"},
        {"typeWebhook": "outgoingMessageStatus", "status": "sent"},
        event("reactionMessage", extendedTextMessageData={"text": "👍"}),
        text() | sender(chatId="", sender="@c.us"),
        text() | {"messageData": "poison"},
    ],
    ids=lambda whole: codec.dumps(whole).decode()[:60],
)
def test_an_odd_shape_is_one_unrecognised_item_named_by_its_content(whole):
    item = only(whole)
    assert item.kind == "unrecognised"
    assert item.message_id.startswith("content:")
    assert isinstance(said(whole), Unrecognised)


def test_the_instance_is_the_account_as_number_and_as_string():
    assert only(text(instanceData={"idInstance": 7103000000})).account == "7103000000"
    assert only(text(instanceData={"idInstance": "7103000000"})).account == "7103000000"
    assert only(text(instanceData={})).account is None


def test_what_polling_wraps_is_the_same_item():
    assert PROVIDER.split({"receiptId": 7, "body": text()}) == PROVIDER.split(text())


def test_without_an_id_the_content_is_the_name_in_a_redelivery_too():
    whole = text()
    del whole["idMessage"]
    item, again = only(whole), only(dict(reversed(whole.items())))
    assert item.message_id == again.message_id == said(whole).platform_message_id
    assert only(whole | {"timestamp": 1}).message_id != item.message_id


# Chats and people


def test_without_a_chat_the_message_belongs_to_its_sender():
    assert only(text() | sender(sender=ADA)).platform_user_id == "15550100201"


def test_in_a_group_the_speaker_is_the_person_and_the_group_the_chat():
    whole = text() | sender(chatId=GROUP, sender=ADA, senderName="Ada", chatName="Club")
    told = said(whole)
    assert only(whole).platform_user_id == GROUP
    assert (told.is_group, told.speaker) == (True, "15550100201")
    assert (told.person.platform_user_id, told.person.first_name) == ("15550100201", "Ada")


def test_a_group_speaks_for_itself_where_nobody_is_named():
    told = said(text() | sender(chatId=GROUP))
    assert told.person.platform_user_id == told.speaker == GROUP


def test_a_device_is_no_part_of_a_person():
    whole = text() | sender(chatId="15550100201:3@s.whatsapp.net", sender=ADA)
    assert only(whole).platform_user_id == "15550100201"


def test_a_hidden_name_beside_a_phone_is_the_same_chat():
    whole = text() | sender(chatId="987654321@lid", sender=ADA)
    assert only(whole).platform_user_id == said(whole).person.platform_user_id == "15550100201"
    assert said(whole).also_known_as == ("987654321@lid",)
    other = text() | sender(chatId=ADA, sender="987654321@lid")
    assert only(other).platform_user_id == "15550100201"
    assert said(other).also_known_as == ("987654321@lid",)


def test_nobody_else_is_taken_for_the_same_person():
    assert said(text()).also_known_as == ()
    assert said(text() | sender(chatId=ADA, sender="15550100999@c.us")).also_known_as == ()
    assert said(text() | sender(chatId=GROUP, sender="987654321@lid")).also_known_as == ()


@pytest.mark.parametrize("chat", ["status@broadcast", "1203@newsletter"])
def test_a_story_is_told_to_nobody_in_particular_and_not_kept(chat):
    whole = text("at the sea") | sender(chatId=chat, sender=ADA)
    item = only(whole)
    assert (item.kind, item.platform_user_id) == ("system", "")
    told = said(whole)
    assert isinstance(told, Notice)
    assert "sea" not in repr(told)


# What the business wrote


def test_what_is_typed_on_the_phone_is_a_humans_and_what_the_api_sent_is_our_own():
    typed, sent = (
        text(typeWebhook=word) | sender(chatId=ADA, sender="15550100100@c.us", chatName="Ada")
        for word in ("outgoingMessageReceived", "outgoingAPIMessageReceived")
    )
    for whole, human in ((typed, True), (sent, False)):
        item, told = only(whole), said(whole)
        assert (item.kind, item.platform_user_id) == ("echo", "15550100201")
        assert (told.from_human, told.is_own) == (human, not human)
        assert (told.person.platform_user_id, told.person.first_name) == ("15550100201", "Ada")


def test_the_business_edits_deletes_and_reacts_too():
    words = {
        "editedMessage": ("edit", {"editedMessageData": {"textMessage": "x", "stanzaId": "S"}}),
        "deletedMessage": ("delete", {"deletedMessageData": {"stanzaId": "S"}}),
        "reactionMessage": (
            "echo",
            {"extendedTextMessageData": {"text": "👍"}, "quotedMessage": STANZA},
        ),
    }
    for word, (kind, data) in words.items():
        assert only(event(word, typeWebhook="outgoingMessageReceived", **data)).kind == kind


# Changes


def test_an_edit_has_an_id_of_its_own_and_names_its_target():
    whole = event("editedMessage", editedMessageData={"textMessage": "new", "stanzaId": "S1"})
    assert (only(whole).kind, only(whole).message_id) == ("edit", "M1")
    assert isinstance(said(whole), Edit)
    assert (said(whole).target, content(whole).text) == ("S1", "new")


def test_the_words_beside_a_file_can_be_edited():
    told = content(event("editedMessage", editedMessageData={"caption": "new", "stanzaId": "S1"}))
    assert (told.text, told.caption) == ("new", "new")


def test_a_deletion_names_its_target():
    assert said(event("deletedMessage", deletedMessageData={"stanzaId": "S1"})) == Deletion(
        target="S1"
    )


@pytest.mark.parametrize("word", ["editedMessage", "deletedMessage"])
def test_a_change_of_nothing_is_recorded_as_unrecognised(word):
    assert isinstance(said(event(word)), Unrecognised)


def test_a_reaction_is_taken_back_with_no_emoji():
    whole = event("reactionMessage", extendedTextMessageData={"text": ""}, quotedMessage=STANZA)
    assert only(whole).kind == "reaction"
    assert content(whole).structured == {"emoji": "", "target": "S1"}


# Statuses and notices


def status(word, **more):
    told = {"typeWebhook": "outgoingMessageStatus", "chatId": ADA, "timestamp": 1697043223}
    return told | {"idMessage": "M9", "status": word, "sendByApi": True, **more}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("sent", Status.SENT),
        ("delivered", Status.DELIVERED),
        ("read", Status.READ),
        ("failed", Status.FAILED),
        ("fail", Status.FAILED),
        ("noAccount", Status.FAILED),
        ("notInGroup", Status.FAILED),
    ],
)
def test_each_status_of_a_message_is_one_item(word, expected):
    item, told = only(status(word)), said(status(word))
    assert (item.kind, item.message_id) == ("status", f"M9:{word}")
    assert item.platform_user_id == "15550100201"
    assert isinstance(told, StatusReport)
    assert (told.platform_message_id, told.status) == ("M9", expected)


def test_a_failure_says_why():
    assert said(status("failed", description="spam")).error_message == "spam"
    assert said(status("noAccount")).error_code == "noAccount"
    assert "no WhatsApp" in said(status("noAccount")).error_message
    assert said(status("sent", description="x")).error_message is None


@pytest.mark.parametrize("word", ["yellowCard", "pondering"])
def test_a_word_that_decides_nothing_about_the_message_is_a_notice(word):
    assert only(status(word)).kind == "system"
    assert said(status(word)).notice == f"status:{word}"


def test_a_call_is_told_in_the_callers_chat():
    item = only(sample("call"))
    assert (item.kind, item.platform_user_id) == ("system", "15550100201")
    assert item.message_id == "SAMPLE-call:missed"
    assert said(sample("call")).person.phone_e164 == "+15550100201"


@pytest.mark.parametrize("name", ["account_state", "account_device", "account_quota"])
def test_what_concerns_the_account_belongs_to_no_chat(name):
    item = only(sample(name))
    assert (item.kind, item.platform_user_id) == ("system", "")
    later = sample(name) | {"timestamp": 5}
    assert only(later).message_id != item.message_id


def test_the_link_to_a_picture_of_a_person_is_not_kept():
    avatar = {"chatId": ADA, "existsWhatsapp": True, "urlAvatar": "https://pps.whatsapp.net/?oh=1"}
    whole = {"typeWebhook": "avatarInfo", "timestamp": 1, "avatarInfo": avatar}
    assert only(whole).platform_user_id == "15550100201"
    assert "pps.whatsapp.net" not in repr(said(whole))


# Content


@pytest.mark.parametrize(
    "whole",
    [
        text("words"),
        event("extendedTextMessage", extendedTextMessageData={"text": "words", "title": "t"}),
        event("quotedMessage", extendedTextMessageData={"text": "words"}, quotedMessage=STANZA),
        event("quotedMessage", textMessageData={"textMessage": "words"}, quotedMessage=STANZA),
    ],
)
def test_a_text_is_found_wherever_it_stands(whole):
    assert (content(whole).kind, content(whole).text) == (MessageKind.TEXT, "words")


def test_a_reply_names_what_it_answers():
    assert said(text(quotedMessage=STANZA)).reply_to == "S1"
    old = event("quotedMessage", extendedTextMessageData={"text": "x", "stanzaId": "S2"})
    assert said(old).reply_to == "S2"
    assert said(text()).reply_to is None


@pytest.mark.parametrize(
    ("word", "node", "kind", "mime"),
    [
        ("imageMessage", {"mimeType": "image/png"}, "image", "image/png"),
        ("imageMessage", {"mimeType": "video/mp4"}, "image", None),
        ("videoMessage", {"mimeType": "", "fileName": "f.MP4"}, "video", "video/mp4"),
        ("documentMessage", {"mimeType": "text/csv", "fileName": "f.pdf"}, "document", "text/csv"),
        ("documentMessage", {"fileName": "f.pdf"}, "document", "application/pdf"),
        ("stickerMessage", {"mimeType": "image/webp"}, "sticker", "image/webp"),
        ("audioMessage", {"mimeType": "audio/mpeg"}, "audio", "audio/mpeg"),
        ("audioMessage", {"mimeType": "image/jpeg", "fileName": "f.mpga"}, "audio", "audio/mpeg"),
        ("audioMessage", {"mimeType": "image/jpeg", "fileName": "f.oga"}, "voice", "audio/ogg"),
        (
            "audioMessage",
            {"mimeType": "audio/ogg; codecs=opus"},
            "voice",
            "audio/ogg; codecs=opus",
        ),
    ],
)
def test_a_file_is_what_its_type_and_name_say_where_the_mime_type_lies(word, node, kind, mime):
    told = content(file(word, downloadUrl="https://x/", **node))
    assert (told.kind, told.media.mime) == (kind, mime)
    assert told.media.reference == f"200 {ADA} M1"


def test_a_file_has_a_caption_a_name_and_no_link():
    told = content(sample("document"))
    assert (told.caption, told.media.file_name) == ("My order", "order.pdf")
    assert "https://" not in repr(told)


def test_a_file_that_nobody_could_ask_for_is_unsupported_and_its_caption_stays():
    whole = file("imageMessage", downloadUrl="https://x/", caption="look")
    del whole["idMessage"]
    told = content(whole)
    assert (told.kind, told.text) == (MessageKind.UNSUPPORTED, "look")
    assert "https://" not in repr(told)


@pytest.mark.parametrize(
    ("whole", "code", "words"),
    [
        (text("{{SWE001}}"), "SWE001", None),
        (text(" {{SWE003}}\n"), "SWE003", None),
        (text("{{SWE004}}"), "SWE004", None),
        (
            event("extendedTextMessage", extendedTextMessageData={"text": "{{SWE001}}"}),
            "SWE001",
            None,
        ),
        (file("videoMessage", downloadUrl="{{SWE002}}", caption="film"), "SWE002", "film"),
        (
            event(
                "editedMessage", editedMessageData={"textMessage": "{{SWE003}}", "stanzaId": "S"}
            ),
            "SWE003",
            None,
        ),
    ],
)
def test_an_error_marker_is_a_reason_and_never_text(whole, code, words):
    told = content(whole)
    assert (told.kind, told.text) == (MessageKind.UNSUPPORTED, words)
    assert told.structured["detail"]["error"] == code
    assert told.structured["detail"]["reason"]
    assert "{{" not in repr(told)


def test_a_marker_within_a_sentence_is_a_persons_own_word():
    assert content(text("what is {{SWE001}}?")).text == "what is {{SWE001}}?"


def test_a_marker_for_a_caption_leaves_the_file():
    told = content(file("imageMessage", downloadUrl="https://x/", caption="{{SWE003}}"))
    assert (told.kind, told.caption) == (MessageKind.IMAGE, None)


@pytest.mark.parametrize(
    ("name", "chosen", "title"),
    [
        ("interactive_button", "yes", "Yes, please"),
        ("interactive_list", "size-42", "Size 42"),
        ("template_button", "call-me", "Call me"),
    ],
)
def test_what_was_chosen_is_what_was_said(name, chosen, title):
    told = said(sample(name))
    assert (told.content.kind, told.content.text) == (MessageKind.INTERACTIVE, title)
    assert (told.content.structured["id"], told.content.structured["title"]) == (chosen, title)
    assert told.reply_to == "SAMPLE-reply"


def test_a_chosen_row_may_be_an_object():
    node = {"title": "T", "singleSelectReply": {"selectedRowId": "row"}}
    assert content(event("listResponseMessage", listResponseMessage=node)).structured["id"] == "row"


def test_buttons_that_are_shown_to_us_read_as_their_words():
    told = content(sample("interactive_offer"))
    assert (told.kind, told.text) == (MessageKind.INTERACTIVE, "Sale\nEverything half price")
    assert told.structured["buttons"][0]["buttonText"] == "Look"


def test_a_place_has_coordinates_and_words():
    told = content(sample("location"))
    assert (told.kind, told.text) == (MessageKind.LOCATION, "Town hall, 1 Main Street")
    assert told.structured["latitude"] == 52.520008


def test_contacts_come_one_by_one_and_many_at_once():
    one, many = content(sample("contact")), content(sample("contacts"))
    assert (one.kind, one.text) == (MessageKind.CONTACT, "Grace Hopper")
    [card] = one.structured["contacts"]
    assert card["phones"][0]["whatsapp_id"] == "15550100202"
    assert card["organisation"] == "Compilers Ltd"
    assert many.text == "Grace Hopper, Alan"


@pytest.mark.parametrize(
    ("name", "words"), [("poll", "Which colour?"), ("group_invite", "Join us")]
)
def test_what_has_no_kind_of_its_own_is_kept_with_its_words(name, words):
    told = content(sample(name))
    assert (told.kind, told.text) == (MessageKind.UNSUPPORTED, words)
    assert told.structured["detail"]


def test_a_vote_is_a_notice_of_who_voted():
    told = said(sample("system_vote"))
    assert isinstance(told, Notice)
    assert told.detail["votes"][0] == {"optionName": "Blue", "optionVoters": [ADA]}


def test_an_unknown_type_is_unsupported_kept_and_without_pictures_of_pictures():
    told = content(event("hologram", hologramData={"depth": 3, "jpegThumbnail": "/9j/" * 99}))
    assert told.kind is MessageKind.UNSUPPORTED
    assert told.structured["detail"] == {"typeMessage": "hologram", "hologramData": {"depth": 3}}
