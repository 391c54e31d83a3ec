"""Evolution's many forms of one thing: each becomes the item that a person would expect."""

import pytest

from providers.evolution import PROVIDER
from providers.protocol import Deletion, Edit, Message, Notice, StatusReport
from schemas import codec
from schemas.content import MessageKind, Status
from tests.contract.evolution_case import INSTANCE, USER, message, upsert

ADA, LID, GROUP = f"{USER}@s.whatsapp.net", "40000000000201@lid", "120363000000000301@g.us"
OWN = "15550100100@s.whatsapp.net"


BODY = upsert(message("1", conversation="hi"))


def event(name, data):
    return BODY | {"event": name, "data": data}


def keyed(remote=ADA, named="3EB01", *, me=False, **more):
    return {"remoteJid": remote, "fromMe": me, "id": named, **more}


def said(content, name="messages.upsert", **changes):
    """The only item of a message, and what it says."""
    told = message("1", **content) | changes
    return read(event(name, told))


def read(body):
    [item] = PROVIDER.split(body)
    return item, PROVIDER.parse(item.kind, item.fragment)


def kinds(body):
    return [item.kind.value for item in PROVIDER.split(body)]


TEXT = {"conversation": "hi"}


@pytest.mark.parametrize(
    "name",
    ["messages.upsert", "MESSAGES_UPSERT", "messages-upsert", "messages_upsert", "Messages.Upsert"],
)
def test_an_event_is_known_however_its_name_is_written(name):
    item, found = read(event(name, message("1", **TEXT)))
    assert (item.kind, found.content.text) == ("message", "hi")


@pytest.mark.parametrize(
    "data",
    [
        message("1", **TEXT),
        [message("1", **TEXT)],
        {"messages": [message("1", **TEXT)], "type": "notify"},
    ],
)
def test_a_message_comes_alone_in_a_list_or_in_messages(data):
    item, found = read(event("messages.upsert", data))
    assert (item.account, item.platform_user_id, item.message_id) == (INSTANCE, USER, "3EB01")
    assert found.content.text == "hi"


def test_what_is_no_message_among_messages_stands_beside_the_others():
    data = [message("1", **TEXT), None, 7, {}, {"key": {}}, message("2", **TEXT)]
    unknown = ["unrecognised"] * 4
    assert kinds(event("messages.upsert", data)) == ["message", *unknown, "message"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        "x",
        [],
        {},
        {"event": "messages.upsert"},
        {"event": 7, "data": {}},
        {"instance": INSTANCE, "data": {}},
        {**BODY, "data": None},
        {**BODY, "data": {"key": {"id": "1"}}},
        {**BODY, "data": {"key": {"remoteJid": ADA}}},
    ],
    ids=lambda body: codec.dumps(body).decode()[:50],
)
def test_an_odd_shape_is_one_unrecognised_item(body):
    [item] = PROVIDER.split(body)
    assert item.kind == "unrecognised"
    assert item.message_id.startswith("content:")


def media(**more):
    return {"mimetype": "image/png", "fileSha256": SHA, "fileLength": LONG, "caption": "c"} | more


LONG = {"low": 48213, "high": 0, "unsigned": True}
SHA = {str(place): place for place in range(32)}
HEX = bytes(range(32)).hex()
IMAGE, AUDIO, VIDEO = MessageKind.IMAGE, MessageKind.AUDIO, MessageKind.VIDEO


@pytest.mark.parametrize(
    ("word", "node", "kind"),
    [
        ("imageMessage", media(), IMAGE),
        ("videoMessage", media(), VIDEO),
        ("ptvMessage", media(), VIDEO),
        ("audioMessage", media(ptt=False), AUDIO),
        ("audioMessage", media(ptt=True), MessageKind.VOICE),
        ("documentMessage", media(fileName="a.pdf"), MessageKind.DOCUMENT),
        ("stickerMessage", media(), MessageKind.STICKER),
    ],
)
def test_a_file_is_named_by_its_instance_and_message(word, node, kind):
    item, found = said({word: node})
    assert (item.kind, found.content.kind, found.content.caption) == ("message", kind, "c")
    file = found.content.media
    assert (file.reference, file.mime, file.size) == (f"{INSTANCE}/3EB01", "image/png", 48213)
    assert (file.sha256, file.file_name) == (HEX, node.get("fileName"))


@pytest.mark.parametrize(
    "written",
    [
        SHA,
        {"type": "Buffer", "data": list(range(32))},
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ],
)
def test_a_digest_is_read_from_every_form_of_bytes(written):
    _, found = said({"imageMessage": media(fileSha256=written)})
    assert found.content.media.sha256 == HEX


@pytest.mark.parametrize("written", [{"0": 1}, SHA | {"0": 300}, {"data": ["x"] * 32}, 7, "x"])
def test_bytes_that_are_none_make_no_digest(written):
    _, found = said({"imageMessage": media(fileSha256=written)})
    assert found.content.media.sha256 is None


@pytest.mark.parametrize(
    ("told", "size"),
    [
        (48213, 48213),
        ("48213", 48213),
        ({"low": -1, "high": 0}, 2**32 - 1),
        ({"low": 5, "high": 1, "unsigned": False}, 2**32 + 5),
        ({"low": 7}, 7),
        ({"high": 7}, None),
        ({"low": "x", "high": 0}, None),
        (None, None),
    ],
)
def test_a_long_is_a_number(told, size):
    _, found = said({"imageMessage": media(fileLength=told)})
    assert found.content.media.size == size


def test_a_time_can_be_a_long():
    _, found = said(TEXT, messageTimestamp={"low": 1697043223, "high": 0, "unsigned": True})
    assert found.platform_timestamp.timestamp() == 1697043223


@pytest.mark.parametrize(
    "wrapper",
    [
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
        "deviceSentMessage",
    ],
)
def test_what_is_wrapped_is_read(wrapper):
    inner = {wrapper: {"message": {"imageMessage": media()}}}
    for content in (inner, {"ephemeralMessage": {"message": inner}}):
        item, found = said(content)
        assert (item.kind, found.content.kind) == ("message", IMAGE)


def test_text_has_two_forms():
    _, found = said({"extendedTextMessage": {"text": "hi", "contextInfo": {"stanzaId": "3EB00"}}})
    assert (found.content.text, found.reply_to) == ("hi", "3EB00")
    _, again = said(TEXT, contextInfo={"stanzaId": "3EB00"})
    assert (again.content.text, again.reply_to) == ("hi", "3EB00")


def test_what_stands_beside_the_content_is_not_the_content():
    beside = {"messageContextInfo": {}, "senderKeyDistributionMessage": {}, "imageMessage": None}
    _, found = said(beside | TEXT | {"mediaUrl": "https://s3.example.com/?sig=1"})
    assert (found.content.kind, found.content.text) == (MessageKind.TEXT, "hi")


STRUCTURED = [
    (
        {"locationMessage": {"degreesLatitude": 1.5, "degreesLongitude": 2, "name": "Here"}},
        MessageKind.LOCATION,
        "Here",
        {"latitude": 1.5, "longitude": 2.0, "name": "Here"},
    ),
    (
        {"liveLocationMessage": {"degreesLatitude": 1, "degreesLongitude": 2, "caption": "Me"}},
        MessageKind.LOCATION,
        "Me",
        {"latitude": 1.0},
    ),
    (
        {"buttonsResponseMessage": {"selectedButtonId": "y", "selectedDisplayText": "Yes"}},
        MessageKind.INTERACTIVE,
        "Yes",
        {"id": "y", "title": "Yes", "type": "button_reply"},
    ),
    (
        {"templateButtonReplyMessage": {"selectedId": "y", "selectedDisplayText": "Yes"}},
        MessageKind.INTERACTIVE,
        "Yes",
        {"id": "y", "title": "Yes"},
    ),
    (
        {
            "listResponseMessage": {
                "title": "Large",
                "description": "Twelve",
                "singleSelectReply": {"selectedRowId": "l"},
            }
        },
        MessageKind.INTERACTIVE,
        "Large",
        {"id": "l", "title": "Large", "description": "Twelve", "type": "list_reply"},
    ),
    (
        {
            "interactiveResponseMessage": {
                "body": {"text": "Book"},
                "nativeFlowResponseMessage": {"name": "quick_reply", "paramsJson": '{"id":"b"}'},
            }
        },
        MessageKind.INTERACTIVE,
        "Book",
        {"id": "b", "type": "quick_reply", "response": {"id": "b"}},
    ),
    (
        {
            "interactiveResponseMessage": {
                "nativeFlowResponseMessage": {"name": "f", "paramsJson": "{"}
            }
        },
        MessageKind.INTERACTIVE,
        None,
        {"type": "f"},
    ),
    (
        {
            "orderMessage": {
                "orderId": "5",
                "message": "Soon",
                "totalAmount1000": {"low": 2500, "high": 0},
            }
        },
        MessageKind.ORDER,
        "Soon",
        {"order_id": "5", "total": 2.5},
    ),
    (
        {"pollCreationMessageV3": {"name": "Which?", "options": [{"optionName": "A"}]}},
        MessageKind.UNSUPPORTED,
        "Which?",
        {"type": "pollCreationMessageV3"},
    ),
    (
        {"templateMessage": {"hydratedTemplate": {"hydratedContentText": "Hi"}}},
        MessageKind.UNSUPPORTED,
        "Hi",
        {"type": "templateMessage"},
    ),
    (
        {"hologramMessage": {"frames": 3}},
        MessageKind.UNSUPPORTED,
        None,
        {"type": "hologramMessage", "detail": {"hologramMessage": {"frames": 3}}},
    ),
    (
        {"locationMessage": {"degreesLatitude": "north"}},
        MessageKind.UNSUPPORTED,
        None,
        {"type": "locationMessage"},
    ),
]


@pytest.mark.parametrize(
    ("content", "kind", "words", "told"), STRUCTURED, ids=[next(iter(one[0])) for one in STRUCTURED]
)
def test_a_structured_kind_keeps_what_it_tells(content, kind, words, told):
    item, found = said(content)
    assert (item.kind, found.content.kind, found.content.text) == ("message", kind, words)
    assert told.items() <= found.content.structured.items()


def test_contacts_are_cards():
    card = {
        "displayName": "Charles",
        "vcard": "BEGIN:VCARD\nTEL;waid=15550100299:+1 555\nEND:VCARD",
    }
    for content, count in (
        ({"contactMessage": card}, 1),
        ({"contactsArrayMessage": {"contacts": [card] * 2}}, 2),
    ):
        _, found = said(content)
        cards = found.content.structured["contacts"]
        assert [one["name"] for one in cards] == ["Charles"] * count
        assert cards[0]["phones"] == [{"phone": "+1 555", "whatsapp_id": "15550100299"}]


def test_a_reaction_is_put_on_its_target_and_an_empty_one_takes_it_back():
    for emoji in ("👍", ""):
        item, found = said({"reactionMessage": {"key": keyed(named="3EB00"), "text": emoji}})
        assert (item.kind, item.message_id) == ("reaction", "3EB01")
        assert found.content.structured == {"emoji": emoji, "target": "3EB00"}


@pytest.mark.parametrize(
    "content",
    [
        {},
        None,
        {"messageContextInfo": {}},
        {"pollUpdateMessage": {}},
        {"albumMessage": {"expectedImageCount": 2}},
    ],
)
def test_what_nobody_wrote_is_a_notice(content):
    item, found = read(event("messages.upsert", message("1", x=1) | {"message": content}))
    assert (item.kind, item.platform_user_id, type(found)) == ("system", USER, Notice)


def test_a_story_is_a_notice_of_the_account_whatever_it_shows():
    told = message("1", imageMessage=media()) | {"key": keyed("status@broadcast", participant=ADA)}
    item, found = read(event("messages.upsert", told))
    assert (item.kind, item.platform_user_id) == ("system", "")
    assert found.notice == "status@broadcast"
    for place in ("1602000000@broadcast", "120363@newsletter"):
        item, found = read(event("messages.upsert", told | {"key": keyed(place)}))
        assert (item.kind, item.platform_user_id, found.notice) == ("system", "", "broadcast")


# Who is who


@pytest.mark.parametrize("written", [ADA, f"{USER}:3@s.whatsapp.net", f"{USER}@c.us", USER])
def test_a_device_is_no_other_person(written):
    item, found = said(TEXT, key=keyed(written))
    assert item.platform_user_id == USER
    assert (found.person.platform_user_id, found.person.phone_e164) == (USER, f"+{USER}")
    assert found.also_known_as == ()


@pytest.mark.parametrize(
    "key",
    [
        keyed(LID, remoteJidAlt=ADA),
        keyed(LID, senderPn=ADA),
        keyed(ADA, remoteJidAlt=LID, addressingMode="pn"),
        keyed(ADA, previousRemoteJid=LID),
        keyed(ADA, senderLid=LID),
        keyed("40000000000201:7@lid", remoteJidAlt=f"{USER}:2@s.whatsapp.net"),
    ],
)
def test_a_hidden_person_whose_phone_is_told_is_known_by_both(key):
    item, found = said(TEXT, key=key)
    assert (item.platform_user_id, found.person.platform_user_id) == (USER, USER)
    assert found.also_known_as == (LID,)


def test_a_hidden_person_without_a_phone_has_only_the_hidden_name():
    item, found = said(TEXT, key=keyed(LID))
    assert item.platform_user_id == LID
    assert (found.person.platform_user_id, found.person.phone_e164) == (LID, None)
    assert found.also_known_as == ()


def test_the_sender_of_our_own_message_is_not_the_customer():
    key = keyed(LID, me=True, senderPn=OWN, senderLid="1@lid")
    item, found = said(TEXT, key=key)
    assert (item.kind, item.platform_user_id, found.also_known_as) == ("echo", LID, ())


@pytest.mark.parametrize(
    "key",
    [
        keyed(GROUP, participant=ADA),
        keyed(GROUP, participant=LID, participantAlt=ADA),
        keyed(GROUP, participant=LID, participantPn=ADA),
        keyed(GROUP, participant=LID, senderPn=ADA),
    ],
)
def test_in_a_group_the_chat_is_the_group_and_the_speaker_known_by_phone(key):
    item, found = said(TEXT, key=key)
    assert item.platform_user_id == GROUP
    assert (found.is_group, found.speaker, found.person.platform_user_id) == (True, USER, USER)
    assert found.also_known_as == ()


def test_a_person_is_not_called_by_a_number():
    assert said(TEXT, pushName="15550100201")[1].person.first_name is None
    assert said(TEXT, pushName="Ada")[1].person.first_name == "Ada"


# Who wrote


def test_what_was_written_on_the_business_phone_is_from_a_human():
    item, found = said(TEXT, key=keyed(me=True), pushName="Você")
    assert (item.kind, item.platform_user_id) == ("echo", USER)
    assert (found.from_human, found.is_own, found.is_history) == (True, False, False)
    assert (found.person.platform_user_id, found.person.first_name) == (USER, None)


@pytest.mark.parametrize("name", ["send.message", "SEND_MESSAGE"])
def test_what_was_sent_through_the_api_is_our_own(name):
    item, found = said(TEXT, name, key=keyed(me=True))
    assert (item.kind, item.message_id) == ("echo", "3EB01")
    assert (found.from_human, found.is_own) == (False, True)


def test_our_own_reaction_is_an_echo():
    reaction = {"reactionMessage": {"key": keyed(named="3EB00"), "text": "👍"}}
    item, found = said(reaction, key=keyed(me=True))
    assert (item.kind, found.from_human, found.content.kind) == ("echo", True, MessageKind.REACTION)


@pytest.mark.parametrize("name", ["messages.set", "MESSAGES_SET", "messaging-history.set"])
def test_an_import_is_history_from_both_sides(name):
    data = [message("1", **TEXT), message("2", **TEXT) | {"key": keyed(named="3EB02", me=True)}]
    for whole in (data, {"messages": data, "isLatest": True}):
        items = PROVIDER.split(event(name, whole))
        told = [PROVIDER.parse(item.kind, item.fragment) for item in items]
        assert [item.kind for item in items] == ["message", "echo"]
        assert [(one.is_history, one.from_human) for one in told] == [(True, False), (True, True)]


def test_what_an_import_tells_beside_messages_is_kept():
    data = {"messages": [message("1", **TEXT)], "chats": [{"id": ADA}]}
    assert kinds(event("messaging-history.set", data)) == ["message", "system"]


def test_a_message_is_the_same_live_and_imported():
    live, imported = (
        PROVIDER.split(event(n, [message("1", **TEXT)]))[0]
        for n in ("messages.upsert", "messages.set")
    )
    assert (live.kind, live.message_id) == (imported.kind, imported.message_id)


# What becomes of a message


EDIT = {
    "key": keyed(named="3EB00"),
    "type": "MESSAGE_EDIT",
    "editedMessage": {"conversation": "new"},
    "timestampMs": "1779971800000",
}
REVOKE = {"key": keyed(named="3EB00"), "type": "REVOKE"}


@pytest.mark.parametrize("type_", ["MESSAGE_EDIT", 14])
def test_an_edit_is_one_however_it_comes(type_):
    told = EDIT | {"type": type_}
    found = [
        read(event("messages.edited", told)),
        read(event("send.message.update", told)),
        said({"protocolMessage": told}),
        said({"editedMessage": {"message": {"protocolMessage": told}}}),
    ]
    for item, edit in found:
        assert (item.kind, item.platform_user_id) == ("edit", USER)
        assert item.message_id == "3EB00:1779971800000"
        assert isinstance(edit, Edit)
        assert (edit.target, edit.content.text) == ("3EB00", "new")


@pytest.mark.parametrize("type_", ["REVOKE", 0])
def test_a_deletion_is_one_however_it_comes(type_):
    key = keyed(named="3EB00")
    found = [
        said({"protocolMessage": REVOKE | {"type": type_}}),
        read(event("messages.edited", REVOKE | {"type": type_})),
        read(event("messages.delete", key)),
        read(event("MESSAGES_DELETE", [key])),
        read(event("messages.delete", {"id": "cmxyz", "key": key, "status": "DELETED"})),
        read(event("messages.update", {"keyId": "3EB00", "remoteJid": ADA, "status": "DELETED"})),
        read(event("messages.update", [{"key": key, "update": {"message": None}}])),
    ]
    for item, deletion in found:
        assert (item.kind, item.platform_user_id, item.message_id) == ("delete", USER, "3EB00")
        assert deletion == Deletion(target="3EB00")


def test_another_protocol_message_is_a_notice():
    for told in ({"type": "EPHEMERAL_SETTING", "key": keyed()}, {"type": "REVOKE"}, {}):
        assert said({"protocolMessage": told})[0].kind == "system"
    assert kinds(event("messages.edited", EDIT | {"type": "HISTORY_SYNC_NOTIFICATION"})) == [
        "system"
    ]


def test_an_edit_that_names_the_business_as_its_chat_is_kept_but_nobodys():
    item, found = read(event("messages.edited", EDIT | {"key": keyed(OWN, "3EB00", me=True)}))
    assert (item.kind, item.platform_user_id, type(found)) == ("system", "", Notice)
    assert found.detail["editedMessage"] == {"conversation": "new"}


STATUS_WORDS = [
    ("SERVER_ACK", 2, Status.SENT),
    ("DELIVERY_ACK", 3, Status.DELIVERED),
    ("READ", 4, Status.READ),
    ("PLAYED", 5, Status.PLAYED),
    ("ERROR", 0, Status.FAILED),
]


@pytest.mark.parametrize(("word", "number", "status"), STATUS_WORDS)
def test_a_status_is_the_same_by_word_and_by_number(word, number, status):
    flat = {"keyId": "3EB00", "messageId": "cm1", "remoteJid": ADA, "fromMe": True, "status": word}
    raw = {"key": keyed(named="3EB00", me=True), "update": {"status": number}}
    for data in (flat, [flat], raw, [raw], flat | {"status": number}):
        item, found = read(event("messages.update", data))
        assert (item.kind, item.platform_user_id) == ("status", USER)
        assert item.message_id == f"3EB00:{status}"
        assert isinstance(found, StatusReport)
        assert (found.platform_message_id, found.status) == ("3EB00", status)


def test_a_failure_tells_whatsapps_code():
    update = {"status": 0, "messageStubParameters": ["463"]}
    _, found = read(event("messages.update", {"key": keyed(me=True), "update": update}))
    assert (found.status, found.error_code) == (Status.FAILED, "463")


def test_several_updates_are_several_items():
    raw = [{"key": keyed(named=f"3EB0{n}", me=True), "update": {"status": 3}} for n in range(3)]
    assert kinds(event("messages.update", raw)) == ["status"] * 3


@pytest.mark.parametrize("word", ["PENDING", "1", "SOMETHING"])
def test_a_status_that_says_nothing_is_a_notice(word):
    data = {"keyId": "3EB00", "remoteJid": ADA, "fromMe": True, "status": word}
    item, found = read(event("messages.update", data))
    assert (item.kind, found.notice) == ("system", f"status:{word}")


def test_that_we_read_a_customers_message_is_no_status_of_ours():
    data = {"keyId": "3EB00", "remoteJid": ADA, "fromMe": False, "status": "READ"}
    assert kinds(event("messages.update", data)) == ["system"]


def test_a_vote_is_no_deletion_though_it_comes_as_one():
    data = {"keyId": "3EB00", "remoteJid": ADA, "fromMe": True, "status": "DELETED"}
    item, found = read(event("messages.update", data | {"pollUpdates": [{"name": "A"}]}))
    assert (item.kind, found.notice) == ("system", "poll.update")


def test_an_update_can_hold_an_edit():
    new = {"message": {"editedMessage": {"message": {"conversation": "new"}}}}
    item, found = read(event("messages.update", {"key": keyed(), "update": new}))
    assert (item.kind, found.target, found.content.text) == ("edit", "3EB01", "new")


def test_readers_of_a_group_have_statuses_of_their_own():
    data = [
        {"key": keyed(GROUP, me=True, participant=f"{n}@s.whatsapp.net"), "update": {"status": 4}}
        for n in (1, 2)
    ]
    items = PROVIDER.split(event("messages.update", data))
    assert {item.platform_user_id for item in items} == {GROUP}
    assert len({item.message_id for item in items}) == 2


# What is about no message


@pytest.mark.parametrize(
    ("name", "data", "chat"),
    [
        ("connection.update", {"state": "open"}, ""),
        ("CONTACTS_UPDATE", [{"remoteJid": ADA}], ""),
        ("chats.upsert", [{"remoteJid": ADA}], ""),
        ("presence.update", {"id": ADA, "presences": {}}, USER),
        ("call", {"from": LID, "id": "C", "status": "offer"}, LID),
        ("group-participants.update", {"id": GROUP}, GROUP),
        ("groups.update", [{"id": GROUP}], GROUP),
        ("labels.association", {"chatId": ADA, "labelId": "1"}, USER),
        ("something.new", 7, ""),
        ("something.new", None, ""),
    ],
)
def test_any_other_event_is_a_notice_of_its_chat_or_of_the_account(name, data, chat):
    item, found = read(event(name, data))
    assert (item.kind, item.platform_user_id, item.account) == ("system", chat, INSTANCE)
    assert found.notice == name.lower().replace("_", ".").replace("-", ".")


def test_how_a_call_goes_on_is_told_by_name():
    items = [
        read(event("call", {"from": ADA, "id": "C", "status": s}))[0] for s in ("offer", "reject")
    ]
    assert [item.message_id for item in items] == ["C:offer", "C:reject"]
    _, found = read(event("call", {"from": ADA, "id": "C", "status": "offer"}))
    assert found.person.platform_user_id == USER


def test_two_equal_events_at_different_times_are_two_and_a_redelivery_is_one():
    def at(time):
        return PROVIDER.split(event("connection.update", {"state": "open"}) | {"date_time": time})[
            0
        ]

    assert at("10:00").message_id == at("10:00").message_id != at("10:01").message_id


def test_a_long_list_of_contacts_is_told_in_parts():
    items = PROVIDER.split(
        event("contacts.upsert", [{"remoteJid": f"{n}@lid"} for n in range(120)])
    )
    assert [len(item.fragment["data"]) for item in items] == [50, 50, 20]


def test_an_instance_can_be_named_in_an_object():
    for told in ({"instanceName": INSTANCE}, {"name": INSTANCE}):
        assert PROVIDER.split(BODY | {"instance": told})[0].account == INSTANCE


# Evolution GO


def go(event_, data, **more):
    return {"event": event_, "data": data, "instanceId": "go-1", "instanceToken": "t" * 20, **more}


def info(**more):
    return {
        "Chat": ADA,
        "Sender": f"{USER}:3@s.whatsapp.net",
        "ID": "3EB01",
        "IsFromMe": False,
    } | more


def test_a_message_of_evolution_go_is_read():
    for who, speaker, chat in (
        (info(), None, USER),
        (info(Chat=LID, Sender=LID, SenderAlt=ADA), None, USER),
        (info(Chat=GROUP, IsGroup=True, Sender=LID, SenderAlt=ADA), USER, GROUP),
    ):
        item, found = read(go("Message", {"Info": who, "Message": TEXT}))
        assert isinstance(found, Message)
        assert (item.account, item.platform_user_id, found.speaker) == ("go-1", chat, speaker)
        assert (found.content.text, found.person.platform_user_id) == ("hi", USER)


def test_an_echo_of_evolution_go_is_from_a_human():
    item, found = read(go("Message", {"Info": info(IsFromMe=True), "Message": TEXT}))
    assert (item.kind, found.from_human) == ("echo", True)


def test_a_receipt_of_evolution_go_is_a_status_of_each_message():
    receipt = {"Chat": ADA, "Sender": ADA, "MessageIDs": ["3EB01", "3EB02"], "Type": ""}
    items = PROVIDER.split(go("Receipt", receipt, state="Delivered"))
    assert [item.message_id for item in items] == ["3EB01:delivered", "3EB02:delivered"]


@pytest.mark.parametrize(
    "more", [{"IsFromMe": True, "Type": "read"}, {"Type": "read-self"}, {"Type": "retry"}]
)
def test_a_receipt_that_is_no_news_of_our_message_is_a_notice(more):
    assert kinds(go("Receipt", {"Chat": ADA, "Sender": OWN, "MessageIDs": ["3EB01"]} | more)) == [
        "system"
    ]
