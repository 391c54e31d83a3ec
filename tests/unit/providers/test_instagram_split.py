"""Instagram events: which chat, which kind, which id, and what they say."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings

from providers.instagram import PROVIDER
from providers.protocol import Deletion, Edit, Message, Notice, StatusReport, Unrecognised
from schemas import codec
from schemas.content import MessageKind, Status
from tests.contract.instagram_case import ACCOUNT, LINK, USER, body, event, message
from tests.unit.providers.strategies import damaged

NOON = 1697043223000
UNKNOWN = {"type": "unsupported_type"}
SIGNED = "AYe-very-signed"
REEL = "https://www.instagram.com/reel/DdAye7JB4B4/"


def only(*events, **more):
    [item] = PROVIDER.split(body(*events, **more))
    return item


def said(item):
    return PROVIDER.parse(item.kind, item.fragment)


def content(**parts):
    return said(only(message("1", **parts))).content


def attached(type_, words=None, **payload):
    attachment = {"type": type_} | ({"payload": payload} if payload else {})
    return content(attachments=[attachment], **({"text": words} if words else {}))


@pytest.mark.parametrize(
    "whole",
    [
        None,
        [],
        7,
        {},
        {"object": "page", "entry": []},
        {"object": "instagram"},
        {"object": "instagram", "entry": []},
        {"object": "instagram", "entry": [7]},
        {"object": "instagram", "entry": [{"id": ACCOUNT, "time": 1}]},
        {"object": "instagram", "entry": [{"id": ACCOUNT, "messaging": {}}]},
        {"object": "instagram", "entry": [{"id": ACCOUNT, "changes": [{"field": "messages"}]}]},
        body(7),
        body(event()),
        body(event(telepathy={})),
        body(event(message=7)),
        body(event(message={"text": "no mid"})),
        body(event(message={"is_deleted": True})),
        body(event(reaction={"action": "react"})),
        body(event(message_edit={"text": "x"})),
        body({"message": {"mid": "1", "text": "from nobody"}}),
        body({"field": "telepathy", "value": {}}, key="changes"),
        body(7, key="standby"),
    ],
    ids=lambda whole: codec.dumps(whole).decode()[-60:],
)
def test_an_odd_shape_is_one_unrecognised_item_named_by_its_content(whole):
    [item] = PROVIDER.split(whole)
    assert item.kind == "unrecognised"
    assert item.message_id.startswith("content:")
    assert isinstance(said(item), Unrecognised)


def test_entries_and_their_lists_are_items_in_their_order():
    first = {"id": "1", "messaging": [message("1", text="a"), message("2", text="b")]}
    second = {"id": "2", "standby": [message("3", text="c")], "time": 1}
    change = {"field": "messages", "value": message("4", text="d")}
    third = {"id": "3", "changes": [change], "messaging": [message("5", text="e")]}
    items = PROVIDER.split({"object": "instagram", "entry": [first, second, third]})
    told = [(item.account, item.kind.value) for item in items]
    assert told == [
        ("1", "message"),
        ("1", "message"),
        ("2", "system"),
        ("3", "message"),
        ("3", "message"),
    ]


def test_what_nobody_foresaw_beside_an_event_is_kept_as_well():
    whole = body(message("1", text="a"))
    whole["entry"][0]["mood"] = "sunny"
    whole["weather"] = "fine"
    kinds = [item.kind.value for item in PROVIDER.split(whole)]
    assert kinds == ["message", "unrecognised", "unrecognised"]


def test_an_event_that_tells_two_things_is_two_items():
    told = event(read={"mid": "m1"}, message={"mid": "m2", "text": "hi"}, referral={"ref": "x"})
    items = PROVIDER.split(body(told))
    assert [item.kind.value for item in items] == ["message", "status", "system"]
    assert all("message" not in item.fragment["event"] for item in items[1:])


def test_each_attachment_is_a_message_and_the_words_go_with_the_first():
    files = [{"type": "image", "payload": {"url": f"{LINK}{n}"}} for n in range(3)]
    items = PROVIDER.split(body(message("1", text="look", attachments=files)))
    assert [item.message_id for item in items] == ["aWdfZ.1", "aWdfZ.1#1", "aWdfZ.1#2"]
    heard = [said(item) for item in items]
    assert [one.platform_message_id for one in heard] == [item.message_id for item in items]
    assert [one.content.media.reference for one in heard] == [f"{LINK}{n}" for n in range(3)]
    assert [one.content.caption for one in heard] == ["look", None, None]


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("image", MessageKind.IMAGE),
        ("video", MessageKind.VIDEO),
        ("audio", MessageKind.AUDIO),
        ("file", MessageKind.DOCUMENT),
        ("story_mention", MessageKind.IMAGE),
        ("ig_story", MessageKind.IMAGE),
        ("share", MessageKind.IMAGE),
        ("ig_post", MessageKind.IMAGE),
        ("reel", MessageKind.VIDEO),
        ("ig_reel", MessageKind.VIDEO),
    ],
)
def test_a_file_is_of_the_kind_that_is_closest_and_fetched_by_its_link(type_, kind):
    told = attached(type_, words="look", url=LINK)
    assert (told.kind, told.media.reference, told.caption) == (kind, LINK, "look")


def test_a_shared_post_tells_its_title_and_its_id():
    told = attached("ig_post", url=LINK, ig_post_media_id="1797", title="Blue chairs")
    assert told.caption == "Blue chairs"
    assert told.structured == {"type": "ig_post", "id": "1797", "title": "Blue chairs"}


def test_a_shared_reel_of_which_only_the_page_is_told_is_read_and_not_fetched():
    told = attached("ig_reel", words="nice", url=REEL, reel_video_id="1790", title="Chairs")
    assert (told.kind, told.media) == (MessageKind.TEXT, None)
    assert told.text == f"nice\nChairs\n{REEL}"


def test_a_heart_is_a_sticker_without_a_file():
    told = attached("like_heart")
    assert (told.kind, told.text, told.media) == (MessageKind.STICKER, "❤️", None)


def test_a_link_with_its_preview_is_the_text_that_holds_it():
    told = attached("fallback", words="see https://example.com/?a=1", url="https://l.example.com")
    assert (told.kind, told.text) == (MessageKind.TEXT, "see https://example.com/?a=1")
    bare = attached("fallback", url="https://example.com/?a=1", title="Example")
    assert bare.text == "Example\nhttps://example.com/?a=1"


def test_the_cards_of_a_template_are_told_by_their_titles():
    told = attached("template", generic={"elements": [{"title": "Chair"}, {"title": "Table"}]})
    assert (told.kind, told.text) == (MessageKind.UNSUPPORTED, "Chair\nTable")


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"is_unsupported": True}, "unsupported"),
        ({"is_unsupported": True, "attachments": [UNKNOWN]}, "unsupported_type"),
        ({}, "none"),
        ({"attachments": []}, "none"),
        ({"attachments": [{"type": "image"}]}, "image"),
        ({"attachments": [{"type": "hologram", "payload": {"url": LINK}}]}, "hologram"),
        ({"attachments": [7]}, "none"),
        ({"text": 7}, "none"),
    ],
)
def test_what_cannot_be_read_is_unsupported_and_opens_no_file(parts, word):
    told = content(**parts)
    assert (told.kind, told.structured["type"]) == (MessageKind.UNSUPPORTED, word)
    assert SIGNED not in repr(told)


def test_an_answer_names_the_message_it_is_to():
    assert said(only(message("2", text="yes", reply_to={"mid": "m1"}))).reply_to == "m1"


def test_a_quick_reply_is_a_choice_and_its_title_is_what_was_said():
    told = content(text="Yes", quick_reply={"payload": "confirm"})
    assert told.kind is MessageKind.INTERACTIVE
    assert told.structured == {"type": "quick_reply", "id": "confirm", "title": "Yes"}


def test_a_pressed_button_is_called_by_its_mid_or_by_what_it_says():
    item = only(event(postback={"mid": "m1", "title": "Hours?", "payload": "h"}))
    assert (item.kind, item.message_id) == ("message", "m1")
    assert said(item).platform_message_id == "m1"
    told = [event(time, postback={"title": "Hours?", "payload": "h"}) for time in (1, 1, 2)]
    old = [only(one) for one in told]
    assert old[0].message_id == old[1].message_id != old[2].message_id
    assert said(old[0]).platform_message_id == old[0].message_id
    assert said(old[0]).content.text == "Hours?"


@pytest.mark.parametrize(
    ("reaction", "emoji"),
    [
        ({"action": "react", "reaction": "love", "emoji": "❤️"}, "❤️"),
        ({"action": "react", "emoji": "🔥"}, "🔥"),
        ({"action": "react", "reaction": "smile"}, ":smile:"),
        ({"action": "react"}, ":other:"),
        ({"action": "unreact"}, ""),
        ({"action": "unreact", "emoji": "❤️"}, ""),
    ],
)
def test_a_reaction_names_its_emoji_and_its_message(reaction, emoji):
    item = only(event(reaction={"mid": "m1", **reaction}))
    assert (item.kind, item.platform_user_id) == ("reaction", USER)
    assert said(item).content.structured == {"emoji": emoji, "target": "m1"}
    assert said(item).platform_message_id == item.message_id


def test_reactions_have_names_by_who_to_what_how_and_when():
    def named(time=NOON, mid="m1", action="react", sender=USER):
        told = event(time, reaction={"mid": mid, "action": action, "emoji": "❤️"})
        return only(told | {"sender": {"id": sender}}).message_id

    assert named() == named()
    others = {named(time=NOON + 1), named(mid="m2"), named(action="unreact"), named(sender="8")}
    assert len(others | {named()}) == 5


def test_a_reading_is_a_status_of_the_message_that_was_read():
    item = only(event(read={"mid": "m1"}))
    assert (item.kind, item.message_id, item.platform_user_id) == ("status", "m1:read", USER)
    told = said(item)
    assert isinstance(told, StatusReport)
    assert (told.platform_message_id, told.status) == ("m1", Status.READ)
    assert told.reported_at.timestamp() * 1000 == NOON


def test_a_reading_of_no_message_in_particular_is_a_notice():
    item = only(event(read={"watermark": 1}))
    assert (item.kind, said(item).notice) == ("system", "read")


def test_an_edit_has_the_new_words_and_each_edit_is_one():
    items = [only(event(message_edit={"mid": "m", "text": "x", "num_edit": n})) for n in (1, 2)]
    assert [item.message_id for item in items] == ["m:1", "m:2"]
    told = said(items[0])
    assert isinstance(told, Edit)
    assert (told.target, told.content.text) == ("m", "x")
    timed = only(event(message_edit={"mid": "m", "text": ""}))
    assert (timed.message_id, said(timed).content.text) == (f"m:{NOON}", "")


def test_what_is_taken_back_is_a_deletion_also_of_ones_own():
    for out in (False, True):
        item = only(message("1", out=out, is_deleted=True))
        assert (item.kind, item.platform_user_id) == ("delete", USER)
        assert said(item) == Deletion(target="aWdfZ.1")


def echoed(**parts):
    item = only(message("1", out=True, text="hi", is_echo=True, **parts))
    assert (item.kind, item.platform_user_id) == ("echo", USER)
    told = said(item)
    assert isinstance(told, Message)
    assert told.person.platform_user_id == USER
    return told.from_human, told.is_own, told.reference


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, (True, False, None)),
        ({"app_id": 1517776481860111}, (False, True, None)),
        ({"app_id": "1517776481860111"}, (False, True, None)),
        ({"metadata": "reply:1"}, (False, True, "reply:1")),
        ({"app_id": 15, "metadata": "reply:1"}, (False, True, "reply:1")),
        ({"app_id": 1217981644879628}, (True, False, None)),
        ({"app_id": 263902037430900}, (True, False, None)),
    ],
)
def test_an_echo_is_a_programs_by_its_app_or_reference_and_otherwise_a_humans(parts, expected):
    assert echoed(**parts) == expected


def test_what_the_account_itself_sends_is_an_echo_also_unmarked():
    item = only(message("1", out=True, text="hi"))
    assert (item.kind, item.platform_user_id) == ("echo", USER)
    own = event(reaction={"mid": "m1", "action": "react", "emoji": "🔥"}, out=True)
    assert (only(own).platform_user_id, said(only(own)).from_human) == (USER, True)
    assert only(event(read={"mid": "m1"}, out=True)).kind == "system"
    assert only(event(postback={"mid": "m1"}, out=True)).kind == "system"


def test_a_user_cannot_pass_for_the_business_by_metadata():
    told = said(only(message("1", text="hi", metadata="reply:1", app_id=5)))
    assert (told.is_own, told.from_human, told.reference) == (False, False, None)


@pytest.mark.parametrize("told", [message("1", text="hi"), event(read={"mid": "m"}), event()])
def test_what_another_app_answers_is_recorded_and_never_answered(told):
    for item in (
        only(told, key="standby"),
        only({"field": "standby", "value": told}, key="changes"),
    ):
        assert (item.kind, item.platform_user_id) == ("system", USER)
        notice = said(item)
        assert isinstance(notice, Notice)
        assert notice.notice == "standby"
        assert notice.person.platform_user_id == USER


def test_the_echo_of_another_app_belongs_to_the_chat_with_the_customer():
    item = only(message("1", out=True, text="hi", is_echo=True), key="standby")
    assert (item.platform_user_id, said(item).person.platform_user_id) == (USER, USER)


@pytest.mark.parametrize(
    "word",
    ["referral", "optin", "delivery", "pass_thread_control", "take_thread_control", "app_roles"],
)
def test_what_is_no_message_is_a_notice_in_the_persons_chat(word):
    item = only(event(**{word: {"ref": "x"}}))
    assert (item.kind, item.platform_user_id) == ("system", USER)
    assert (said(item).notice, said(item).detail) == (word, {"ref": "x"})


def test_a_comment_is_a_notice_of_the_account_in_either_form():
    change = {"field": "comments", "value": {"id": "1", "text": "Lovely!"}}
    entry = {"id": ACCOUNT, "time": 1, **change}
    whole = {"object": "instagram", "entry": [entry]}
    items = [only(change, key="changes"), *PROVIDER.split(whole)]
    for item in items:
        assert (item.kind, item.platform_user_id, item.account) == ("system", "", ACCOUNT)
        assert said(item).detail["text"] == "Lovely!"
    assert items[0].message_id == items[1].message_id


def test_no_link_is_kept_that_opens_what_is_never_fetched():
    ad = {"ad_id": "1", "ads_context_data": {"ad_title": "Sale", "photo_url": LINK}}
    told = [
        message("1", text="hi", reply_to={"story": {"id": "1", "url": LINK}}),
        message("2", text="hi", referral=ad),
        event(referral=ad),
        event(postback={"mid": "3", "title": "x", "referral": ad}),
        event(optin={"type": "x", "notification_messages_token": SIGNED}),
    ]
    items = PROVIDER.split(body(*told))
    items += PROVIDER.split(
        body(
            message("4", attachments=[{"type": "image", "payload": {"url": LINK}}]),
            key="standby",
        )
    )
    assert len(items) == 6
    for item in items:
        assert SIGNED not in codec.dumps(item.fragment).decode()
        assert SIGNED not in repr(said(item))


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(whole=damaged("instagram"))
def test_each_event_of_a_damaged_body_is_in_an_item(whole):
    whole, marks = _marked(whole)
    items = [codec.dumps(item.fragment) for item in PROVIDER.split(whole)]
    for mark in marks:
        assert any(mark in item for item in items)


def _marked(whole):
    """The body with a mark in each event and change, and the marks."""
    whole, marks = copy.deepcopy(whole), []
    entries = whole.get("entry") if isinstance(whole, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        for key in ("messaging", "standby", "changes"):
            holder = entry.get(key) if isinstance(entry, dict) else None
            for place, element in enumerate(holder if isinstance(holder, list) else []):
                mark = f"mark-{len(marks):04}-"
                marks.append(mark.encode())
                if isinstance(element, dict):
                    element["mark"] = mark
                else:
                    holder[place] = mark
    return whole, marks
