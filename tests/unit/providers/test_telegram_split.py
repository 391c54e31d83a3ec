"""Telegram updates: which chat, which kind, which id."""

import pytest

from providers.protocol import Deletion, Message, Unrecognised
from providers.telegram import PROVIDER
from schemas import codec
from schemas.content import MessageKind
from tests.support.fixtures import SAMPLES, load

ADA = {"id": 7, "is_bot": False, "first_name": "Ada"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Ada"}
GROUP = {"id": -100123, "type": "supergroup", "title": "Club"}


def message(**more):
    told = {"message_id": 5, "from": ADA, "chat": PRIVATE, "date": 1697043223, "text": "hi"}
    return told | more


def update(**parts):
    return {"update_id": 900, **parts}


def only(whole):
    [item] = PROVIDER.split(whole)
    return item


def said(item):
    return PROVIDER.parse(item.kind, item.fragment)


def content(**parts):
    told = {name: value for name, value in message(**parts).items() if name != "text"}
    return said(only(update(message=told))).content


@pytest.mark.parametrize(
    "whole",
    [
        None,
        [],
        7,
        {},
        {"update_id": 1},
        {"update_id": 1, "message": None},
        {"update_id": 1, "message": {"chat": {"id": 1}}},
        {"update_id": 1, "message": {"message_id": 1}},
        {"update_id": 1, "telepathy": {"a": 1}},
        {"update_id": 1, "callback_query": {"id": "1"}},
        {"update_id": 1, "message_reaction": {"chat": {"id": 1}}},
        {"update_id": 1, "deleted_business_messages": {"message_ids": []}},
        {"my_chat_member": {"chat": {"id": 1}}},
    ],
    ids=lambda whole: codec.dumps(whole).decode()[:60],
)
def test_an_odd_shape_is_one_unrecognised_item_named_by_its_content(whole):
    item = only(whole)
    assert item.kind == "unrecognised"
    assert item.message_id.startswith("content:")
    assert isinstance(said(item), Unrecognised)


def test_ids_of_64_bits_are_kept_to_the_last_digit():
    big = 2**62 + 1
    item = only(update(message=message(message_id=big, chat=PRIVATE | {"id": big})))
    assert item.message_id == f"{big}:{big}"


def test_two_edits_in_one_second_are_two():
    one = message(edit_date=1697043223)
    items = [only({"update_id": n, "edited_message": one}) for n in (1, 2)]
    assert len({item.message_id for item in items}) == 2
    assert {said(item).target for item in items} == {"7:5"}


def test_an_update_that_tells_two_things_is_two_items():
    whole = update(telepathy={"a": 1}, message=message(), edited_message=message(text="ho"))
    items = PROVIDER.split(whole)
    assert [item.kind for item in items] == ["unrecognised", "message", "edit"]
    assert [said(item).content.text for item in items[1:]] == ["hi", "ho"]


def test_a_business_chat_is_not_the_bots_own_chat_with_the_same_person():
    own, business = (
        only(update(message=message())),
        only(update(business_message=message(business_connection_id="BC"))),
    )
    assert (own.platform_user_id, business.platform_user_id) == ("7", "BC:7")
    assert (own.message_id, business.message_id) == ("7:5", "BC:7:5")
    assert said(business).person.platform_user_id == "7"


def test_in_a_business_chat_the_owner_is_a_human_and_a_bot_is_nobody():
    owner = message(business_connection_id="BC", **{"from": {"id": 8}})
    item = only(update(business_message=owner))
    assert (item.kind, item.platform_user_id) == ("echo", "BC:7")
    told = said(item)
    assert (told.from_human, told.person.platform_user_id) == (True, "7")
    bot = owner | {"sender_business_bot": {"id": 9, "is_bot": True}}
    assert only(update(business_message=bot)).kind == "system"


def test_each_deleted_message_is_an_item():
    deleted = {"business_connection_id": "BC", "chat": PRIVATE, "message_ids": [1, 2, None]}
    items = PROVIDER.split(update(deleted_business_messages=deleted))
    assert [item.kind for item in items] == ["delete", "delete", "unrecognised"]
    assert said(items[1]) == Deletion(target="BC:7:2")


def test_a_pressed_button_says_what_stands_on_it():
    item = only(load(SAMPLES / "telegram" / "interactive_button.json"))
    told = said(item)
    assert (item.kind, item.message_id) == ("message", "3000000000000000001")
    assert told.content.text == "Yes, please"
    expected = {"type": "callback_query", "id": "yes", "title": "Yes, please"}
    assert told.content.structured == expected
    assert told.reply_to == "700000201:901"


def test_a_pressed_button_of_an_inline_message_belongs_to_the_person():
    query = {"id": "1", "from": ADA, "inline_message_id": "x", "data": "yes"}
    item = only(update(callback_query=query))
    assert item.platform_user_id == "7"
    assert said(item).content.text == "yes"


@pytest.mark.parametrize(
    ("new", "emoji"),
    [
        ([{"type": "emoji", "emoji": "👍"}], "👍"),
        ([], ""),
        ([{"type": "custom_emoji", "custom_emoji_id": "53"}], ":53:"),
        ([{"type": "paid"}], "⭐"),
        ([{"type": "emoji", "emoji": "👍"}, {"type": "emoji", "emoji": "🔥"}], "👍🔥"),
    ],
)
def test_a_reaction_names_its_emoji_and_its_message(new, emoji):
    told = {"chat": PRIVATE, "message_id": 5, "user": ADA, "date": 1, "new_reaction": new}
    item = only(update(message_reaction=told | {"old_reaction": []}))
    assert item.kind == "reaction"
    reaction = said(item)
    assert isinstance(reaction, Message)
    assert reaction.content.structured == {"emoji": emoji, "target": "7:5"}


def test_the_largest_photo_is_taken_whatever_the_order():
    sizes = [{"file_id": f"f{n}", "width": n, "height": n} for n in (90, 800, 320)]
    assert content(photo=[None, *sizes, {}]).media.reference == "f800"


def test_an_animation_is_one_video_and_not_a_document_as_well():
    told = content(animation={"file_id": "a"}, document={"file_id": "a"})
    assert (told.kind, told.media.reference) == (MessageKind.VIDEO, "a")


@pytest.mark.parametrize(
    ("sticker", "mime"),
    [
        ({}, "image/webp"),
        ({"is_animated": True}, "application/x-tgsticker"),
        ({"is_video": True}, "video/webm"),
    ],
)
def test_stickers_come_in_three_formats(sticker, mime):
    assert content(sticker={"file_id": "s", **sticker}).media.mime == mime


def test_ones_own_contact_tells_ones_phone_and_anothers_does_not():
    card = {"phone_number": "+15550100204", "first_name": "Ada"}
    own = said(only(update(message=message(contact=card | {"user_id": 7}))))
    assert own.content.kind is MessageKind.TEXT  # text comes first where there is any
    told = without_text(contact=card | {"user_id": 7})
    assert told.person.phone_e164 == "+15550100204"
    assert without_text(contact=card | {"user_id": 8}).person.phone_e164 is None


def without_text(**parts):
    told = {name: value for name, value in message(**parts).items() if name != "text"}
    return said(only(update(message=told)))


def test_a_contact_tells_the_organisation_in_its_vcard():
    vcard = "BEGIN:VCARD\nVERSION:3.0\nFN:X\nORG;CHARSET=utf-8:Engines Ltd;Sales\nEND:VCARD"
    told = content(contact={"first_name": "X", "phone_number": "1", "vcard": vcard})
    assert told.structured["contacts"][0]["organisation"] == "Engines Ltd"


def test_a_message_of_an_unknown_content_is_unsupported_and_kept():
    told = content(hologram={"id": 1})
    assert told.kind is MessageKind.UNSUPPORTED
    assert told.structured == {"type": "hologram", "detail": {"hologram": {"id": 1}}}


def test_what_a_web_app_sends_is_an_answer():
    told = content(web_app_data={"data": "42", "button_text": "Choose"})
    assert (told.kind, told.text) == (MessageKind.INTERACTIVE, "Choose")


def test_a_post_of_a_channel_is_the_owners_own_word():
    post = {"message_id": 1, "chat": {"id": -1, "type": "channel", "title": "News"}, "text": "x"}
    item = only(update(channel_post=post))
    assert item.kind == "echo"
    told = said(item)
    assert (told.from_human, told.is_group, told.person.first_name) == (True, True, "News")


def test_a_message_from_a_chat_that_the_bot_is_not_in_is_not_answered():
    item = only(update(guest_message=message(guest_query_id="1")))
    assert item.kind == "system"
    assert said(item).notice == "guest_message"
