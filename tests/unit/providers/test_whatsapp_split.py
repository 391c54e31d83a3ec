"""Odd shapes of WhatsApp bodies: each part is kept, in the chat and of the kind it belongs to."""

import pytest

from providers.protocol import Deletion, Edit, Message, Notice, StatusReport, Unrecognised
from providers.whatsapp_cloud import PROVIDER
from schemas import codec
from schemas.content import MessageKind

METADATA = {"display_phone_number": "15550100100", "phone_number_id": "PHONE"}


def body(field="messages", *, metadata=METADATA, **parts):
    value = {"messaging_product": "whatsapp", "metadata": metadata, **parts}
    changes = [{"field": field, "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "WABA", "changes": changes}]}


def text(**more):
    told = {"from": "15550100201", "id": "wamid.1", "timestamp": "1697043223", "type": "text"}
    return told | {"text": {"body": "hi"}} | more


def without(message, *names):
    return {name: value for name, value in message.items() if name not in names}


def split(whole):
    return PROVIDER.split(whole)


def said(item):
    return PROVIDER.parse(item.kind, item.fragment)


def kinds(whole):
    return [item.kind.value for item in split(whole)]


@pytest.mark.parametrize(
    "whole",
    [
        None,
        1,
        "x",
        [],
        {},
        {"object": "instagram", "entry": [{"id": "1"}]},
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": []},
        {"object": "whatsapp_business_account", "entry": {"0": 1}},
        {"object": "whatsapp_business_account", "entry": [7]},
        {"object": "whatsapp_business_account", "entry": [{"id": "WABA", "changes": [None]}]},
        {"object": "whatsapp_business_account", "entry": [{"id": "WABA", "changes": []}]},
        body(messages=[]),
        body(messages={}),
        body(messages=[None]),
        body(messages=[7]),
        body(messages=[[]]),
        body(statuses=["read"]),
        body(message_echoes=[0]),
        body(contacts=[{"wa_id": "1"}]),
    ],
    ids=lambda whole: codec.dumps(whole).decode()[:60],
)
def test_an_odd_shape_is_one_unrecognised_item_named_by_its_content(whole):
    [item] = split(whole)
    assert item.kind == "unrecognised"
    assert item.message_id.startswith("content:")
    assert isinstance(said(item), Unrecognised)
    assert split(whole) == [item]


def test_a_null_among_messages_stands_beside_the_others():
    assert kinds(body(messages=[text(), None, text(id="wamid.2"), 5])) == [
        "message",
        "unrecognised",
        "message",
        "unrecognised",
    ]


@pytest.mark.parametrize("name", ["id", "from"])
def test_a_message_without_id_or_sender_is_unrecognised(name):
    assert kinds(body(messages=[without(text(), name)])) == ["unrecognised"]


@pytest.mark.parametrize("type_", [None, 7, [], {}, "text ", "hologram"])
def test_a_message_of_an_unknown_type_is_an_unsupported_message(type_):
    [item] = split(body(messages=[text(type=type_)]))
    assert item.kind == "message"
    assert said(item).content.kind is MessageKind.UNSUPPORTED
    assert said(item).content.structured["detail"]["text"] == {"body": "hi"}


@pytest.mark.parametrize(
    ("type_", "node"),
    [
        ("text", {"body": 7}),
        ("image", {"caption": "no id"}),
        ("location", {"latitude": 91}),
        ("contacts", []),
        ("interactive", {"type": "button_reply"}),
        ("button", {}),
        ("reaction", {"emoji": "👍"}),
        ("order", {"product_items": []}),
    ],
)
def test_a_known_type_of_an_unknown_shape_is_unsupported_and_kept(type_, node):
    [item] = split(body(messages=[without(text(type=type_), "text") | {type_: node}]))
    content = said(item).content
    assert content.kind is MessageKind.UNSUPPORTED
    assert content.structured["type"] == type_


def test_without_a_phone_number_id_the_account_is_the_business_account():
    for metadata in (None, {}, {"phone_number_id": None}, 7):
        [item] = split(body(messages=[text()], metadata=metadata))
        assert item.account == "WABA"


def test_an_unknown_part_beside_messages_is_kept_without_the_messages():
    items = split(body(messages=[text()], surprises=[{"a": 1}]))
    assert [item.kind for item in items] == ["message", "unrecognised"]
    assert items[1].fragment["value"] == {"surprises": [{"a": 1}]}


def test_messages_that_are_no_list_are_kept_beside_what_is_known():
    told = {"id": "wamid.1", "status": "read", "recipient_id": "15550100201"}
    items = split(body(messages={"0": text()}, statuses=[told]))
    assert [item.kind for item in items] == ["unrecognised", "status"]
    assert items[0].fragment["value"] == {"0": text()}


def test_errors_without_a_message_are_a_notice_and_beside_one_belong_to_it():
    [alone] = split(body(errors=[{"code": 1}]))
    assert said(alone) == Notice(notice="errors", detail={"errors": [{"code": 1}]})
    beside = split(body(errors=[{"code": 1}], messages=[text(type="interactive")]))
    assert [item.kind for item in beside] == ["message"]
    assert said(beside[0]).content.structured["detail"]["errors"] == [{"code": 1}]
    assert kinds(body(errors=[{"code": 1}], statuses=[{"id": "1"}])) == ["unrecognised", "system"]


def test_a_person_without_a_phone_is_known_by_the_business_scoped_id():
    person = {"user_id": "FR.1", "profile": {"name": "Julia", "username": "julia"}}
    for message in (
        without(text(from_user_id="FR.1"), "from"),
        without(text(), "from"),  # the only contact must be the sender
    ):
        [item] = split(body(contacts=[person], messages=[message]))
        assert item.platform_user_id == "FR.1"
        assert said(item).person.username == "julia"
        assert said(item).person.phone_e164 is None


def test_a_phone_wins_over_a_business_scoped_id():
    person = {"user_id": "US.1", "wa_id": "15550100201", "profile": {"name": "Ada"}}
    [item] = split(body(contacts=[person], messages=[without(text(from_user_id="US.1"), "from")]))
    assert item.platform_user_id == "15550100201"
    assert said(item).person.phone_e164 == "+15550100201"


def test_nobody_is_given_another_persons_name():
    other = {"wa_id": "15550100299", "profile": {"name": "Somebody else"}}
    [item] = split(body(contacts=[other], messages=[text()]))
    assert said(item).person.first_name is None


def test_of_two_possible_people_none_is_guessed():
    people = [{"wa_id": "15550100201"}, {"wa_id": "15550100202"}]
    assert kinds(body(contacts=people, messages=[without(text(), "from")])) == ["unrecognised"]


def test_a_group_is_the_chat_and_the_person_the_speaker():
    [item] = split(body(messages=[text(group_id="R1JPVVA")]))
    assert item.platform_user_id == "R1JPVVA"
    message = said(item)
    assert (message.is_group, message.speaker) == (True, "15550100201")
    assert message.person.platform_user_id == "15550100201"


def test_signed_urls_of_files_do_not_enter_the_log():
    image = {"id": "9", "url": "https://lookaside.fbsbx.com/?hash=secret", "caption": "c"}
    edited = {"original_message_id": "wamid.0", "message": {"type": "image", "image": image}}
    for message in (
        text(type="image", image=image),
        without(text(type="edit", edit=edited), "text"),
    ):
        [item] = split(body(messages=[message]))
        assert b"hash=secret" not in codec.dumps(item.fragment)
        content = said(item).content
        assert (content.media.reference, content.caption) == ("9", "c")
    assert image["url"]


def test_edits_and_revocations_are_told_apart_from_messages():
    edit = {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "b"}}}
    [edited] = split(body(messages=[text(type="edit", edit=edit)]))
    assert (edited.kind, edited.message_id) == ("edit", "wamid.1")
    assert isinstance(said(edited), Edit)
    revoked = text(type="revoke", revoke={"original_message_id": "wamid.0"})
    [deleted] = split(body(messages=[revoked]))
    assert deleted.kind == "delete"
    assert said(deleted) == Deletion(target="wamid.0")


def test_an_echo_belongs_to_the_customers_chat_and_is_from_a_human():
    echo = text(to="15550100201", **{"from": "15550100100"})
    [item] = split(body("smb_message_echoes", message_echoes=[echo]))
    assert (item.kind, item.platform_user_id) == ("echo", "15550100201")
    message = said(item)
    assert isinstance(message, Message)
    assert message.from_human
    assert message.person.platform_user_id == "15550100201"


def test_an_echo_to_a_person_without_a_phone():
    echo = without(text(to_user_id="FR.1"), "from") | {"from": "15550100100"}
    [item] = split(body("smb_message_echoes", message_echoes=[echo]))
    assert item.platform_user_id == "FR.1"
    assert said(item).person.platform_user_id == "FR.1"


def test_a_status_is_named_by_its_message_and_its_word():
    told = {"id": "wamid.1", "status": "failed", "recipient_id": "15550100201", "timestamp": "1"}
    error = {"code": 131047, "title": "T", "error_data": {"details": "Too late"}}
    [item] = split(body(statuses=[told | {"errors": [error], "biz_opaque_callback_data": "r"}]))
    assert (item.kind, item.message_id) == ("status", "wamid.1:failed")
    report = said(item)
    assert isinstance(report, StatusReport)
    assert (report.error_code, report.error_message) == ("131047", "Too late")
    assert report.reference == "r"


def test_an_unknown_status_is_a_notice():
    told = {"id": "wamid.1", "status": "warning", "recipient_id": "15550100201"}
    [item] = split(body(statuses=[told]))
    assert item.kind == "system"
    assert said(item).notice == "status:warning"


def test_readers_of_a_group_have_statuses_of_their_own():
    told = {"id": "wamid.1", "status": "read", "recipient_id": "G", "recipient_type": "group"}
    people = [told | {"recipient_participant_id": who} for who in ("1", "2")]
    items = split(body(statuses=people))
    assert {item.platform_user_id for item in items} == {"G"}
    assert len({item.message_id for item in items}) == 2


def test_how_a_call_goes_is_no_status_of_a_message():
    ringing = {"id": "wacid.1", "type": "call", "status": "RINGING", "recipient_id": "15550100201"}
    [item] = split(body("calls", statuses=[ringing]))
    assert (item.kind, item.platform_user_id) == ("system", "15550100201")
    assert item.message_id == "wacid.1:RINGING"


def test_a_call_is_of_the_customer_and_keeps_no_way_to_join_it():
    call = {"id": "wacid.1", "from": "15550100100", "to": "15550100201", "event": "connect"}
    call |= {"direction": "BUSINESS_INITIATED", "session": {"sdp": "a=ice-pwd:secret"}}
    [item] = split(body("calls", calls=[call]))
    assert item.platform_user_id == "15550100201"
    assert b"ice-pwd" not in codec.dumps(item.fragment)


def test_messages_that_another_field_quotes_are_never_answered():
    history = {"history": [{"threads": [{"id": "1", "messages": [text()]}]}]}
    assert kinds(body("history", **history)) == ["system"]
    assert kinds(body("standby", messages=[text()])) == ["system"]


def test_two_equal_changes_at_different_times_are_two():
    one = {"id": "WABA", "changes": [{"field": "account_update", "value": {"event": "X"}}]}
    entries = [one | {"time": 1}, one | {"time": 2}, one | {"time": 2}]
    whole = {"object": "whatsapp_business_account", "entry": entries}
    assert len({item.message_id for item in split(whole)}) == 2
