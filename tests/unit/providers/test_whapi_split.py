"""What a Whapi body is taken apart into, and what each part says, shape by shape."""

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given

from providers.protocol import Deletion, Edit, Notice, StatusReport, Unrecognised, Webhook
from providers.whapi import PROVIDER
from providers.whapi.fields import NOTICES
from schemas import codec
from schemas.content import Content, Media, MessageKind, Status
from schemas.inputs import ItemKind
from tests.contract.whapi_case import USER, body, message
from tests.unit.providers.strategies import JSON

CHANNEL = "MANTIS-AAAAA"
OWN = "15550100100"
GROUP = "120363040468224422@g.us"
TARGET = "p.target-gBgTwl0rVw"


def read(told):
    [item] = PROVIDER.split(told)
    return item, PROVIDER.parse(item.kind, item.fragment)


def said(type_, node, **more):
    """What a message of that type says."""
    return read(body({**message("1", type_), type_: node, **more}))[1]


def action(**node):
    item, told = read(body({**message("1", "action"), "action": node}))
    return item.kind, told


def from_me(source="mobile", **more):
    told = {**message("1", body="hi"), "from": OWN, "from_name": "Shop", "chat_name": "Ada"}
    return read(body(told | {"from_me": True, "source": source} | more))


def part(key, value, event="post"):
    told = {key: value, "event": {"type": "x", "event": event}, "channel_id": CHANNEL}
    return PROVIDER.split(told)


class TestAuthenticity:
    @pytest.mark.parametrize(
        "given", ["Bearer s3cret", "bearer s3cret", "s3cret", "Bearer  s3cret"]
    )
    def test_the_secret_may_come_after_bearer_or_alone(self, given):
        assert PROVIDER.verify(Webhook(b"{}", {"authorization": given}), "s3cret")

    @pytest.mark.parametrize(
        "given", ["Basic s3cret", "Bearer", "Bearer ", "Bearers3cret", "s3cre"]
    )
    def test_nothing_else_will_do(self, given):
        assert not PROVIDER.verify(Webhook(b"{}", {"authorization": given}), "s3cret")


class TestMixedBodies:
    def test_messages_statuses_and_notices_of_one_body_are_items_of_their_own(self):
        told = body(message("1", body="a"), message("2", body="b"))
        told["statuses"] = [{"id": "s-1", "status": "read", "recipient_id": USER}]
        told["presences"] = [{"contact_id": USER, "status": "typing"}]
        items = PROVIDER.split(told)
        assert [item.kind for item in items] == ["message", "message", "status", "system"]
        assert {item.account for item in items} == {CHANNEL}
        assert {item.platform_user_id for item in items} == {USER}

    def test_what_nobody_foresaw_is_kept_beside_what_is_known(self):
        known, rest = PROVIDER.split({**body(message("1", body="a")), "stars": [1]})
        assert (known.kind, rest.kind) == (ItemKind.MESSAGE, ItemKind.UNRECOGNISED)
        assert rest.fragment["value"] == {"stars": [1]}

    @pytest.mark.parametrize("told", [{}, [], None, 7, {"messages": []}, {"channel_id": "A"}])
    def test_a_body_of_nothing_known_is_one_unrecognised_item(self, told):
        [item] = PROVIDER.split(told)
        assert item.kind is ItemKind.UNRECOGNISED

    def test_one_bad_message_costs_the_others_nothing(self):
        items = PROVIDER.split(body(message("1", body="a"), None, 7, {"id": "x"}, message("2")))
        kinds = [item.kind for item in items]
        assert kinds == ["message", "unrecognised", "unrecognised", "unrecognised", "message"]

    @given(JSON)
    def test_a_part_of_any_shape_is_kept_as_something(self, value):
        for key in ("messages", "messages_updates", "messages_removed", "statuses", *NOTICES):
            for item in PROVIDER.split({key: value, "channel_id": CHANNEL}):
                PROVIDER.parse(item.kind, item.fragment)

    def test_the_items_of_a_body_do_not_depend_on_the_order_of_its_keys(self):
        told = body(message("1", body="a")) | {"statuses": [], "calls": [{"id": "C"}]}
        assert PROVIDER.split(told) == PROVIDER.split(dict(reversed(told.items())))


class TestWhoAndWhere:
    @pytest.mark.parametrize(
        "chat", [f"{USER}@s.whatsapp.net", f"{USER}:3@s.whatsapp.net", f"{USER}@c.us", USER, None]
    )
    def test_one_person_is_one_chat_however_they_are_written(self, chat):
        item, told = read(body({**message("1", body="hi"), "chat_id": chat}))
        assert item.platform_user_id == told.person.platform_user_id == USER
        assert told.also_known_as == ()

    def test_a_phone_beside_a_hidden_name_goes_first_and_links_both(self):
        item, told = read(body({**message("1", body="hi"), "chat_id": "98765432109876:2@lid"}))
        assert item.platform_user_id == told.person.platform_user_id == USER
        assert told.also_known_as == ("98765432109876@lid",)

    def test_a_hidden_name_beside_a_phone_links_both_too(self):
        item, told = read(body({**message("1", body="hi"), "from": "98765432109876@lid"}))
        assert (item.platform_user_id, told.also_known_as) == (USER, ("98765432109876@lid",))

    @pytest.mark.parametrize("sender", ["98765432109876", "98765432109876@lid", None])
    def test_who_is_only_hidden_has_the_hidden_name_and_no_phone(self, sender):
        hidden = {"chat_id": "98765432109876@lid", "from": sender}
        item, told = read(body({**message("1", body="hi"), **hidden}))
        assert item.platform_user_id == told.person.platform_user_id == "98765432109876@lid"
        assert (told.person.phone_e164, told.also_known_as) == (None, ())

    def test_in_a_group_the_speaker_is_told_and_the_chat_is_the_group(self):
        item, told = read(body({**message("1", body="hi"), "chat_id": GROUP, "chat_name": "Us"}))
        assert item.platform_user_id == GROUP
        assert (told.is_group, told.speaker, told.person.platform_user_id) == (True, USER, USER)
        assert told.person.first_name == "Ada"
        assert told.also_known_as == ()

    def test_what_is_typed_on_the_phone_is_a_persons_and_names_the_customer(self):
        item, told = from_me()
        assert (item.kind, item.platform_user_id) == (ItemKind.ECHO, USER)
        assert (told.from_human, told.is_own) == (True, False)
        assert (told.person.platform_user_id, told.person.first_name) == (USER, "Ada")

    @pytest.mark.parametrize("source", ["web", "unknown", None, 7])
    def test_what_no_program_is_known_to_have_sent_is_a_persons(self, source):
        assert from_me(source)[1].from_human

    @pytest.mark.parametrize("source", ["api", "business_api", "system"])
    def test_what_a_program_sent_is_our_own_and_no_takeover(self, source):
        item, told = from_me(source)
        assert item.kind is ItemKind.ECHO
        assert (told.from_human, told.is_own) == (False, True)

    def test_what_is_typed_on_the_phone_in_a_group_names_the_group(self):
        item, told = from_me(chat_id=GROUP)
        assert (item.platform_user_id, told.person.platform_user_id) == (GROUP, GROUP)
        assert told.from_human

    @pytest.mark.parametrize(
        "change",
        [
            {"chat_id": "status@broadcast"},
            {"chat_id": "stories"},
            {"type": "story"},
            {"chat_id": "120363040468224422@newsletter"},
        ],
    )
    def test_what_is_shown_to_all_is_recorded_for_the_account_without_its_words(self, change):
        item, told = read(body({**message("1", body="look at me"), **change}))
        assert (item.kind, item.platform_user_id) == (ItemKind.SYSTEM, "")
        assert (told.notice, "look at me" in repr(told)) == ("story", False)


class TestWhatIsSaid:
    @pytest.mark.parametrize("type_", ["unknown", "system", "call", "pin"])
    def test_noise_is_a_notice_and_never_a_message(self, type_):
        for source in ("system", "mobile"):
            item, told = read(body({**message("1", type_), "source": source}))
            assert item.kind is ItemKind.SYSTEM
            assert (type(told), told.notice) == (Notice, type_)

    def test_a_link_is_a_text_and_its_preview_is_not_kept(self):
        node = {"body": "see https://example.com", "title": "Example", "preview": "/9j/4AAQ"}
        item, told = read(body({**message("1", "link_preview"), "link_preview": node}))
        assert told.content == Content(kind=MessageKind.TEXT, text="see https://example.com")
        assert b"/9j/" not in codec.dumps(item.fragment)

    @pytest.mark.parametrize(
        ("type_", "kind"),
        [
            ("image", MessageKind.IMAGE),
            ("video", MessageKind.VIDEO),
            ("gif", MessageKind.VIDEO),
            ("short", MessageKind.VIDEO),
            ("audio", MessageKind.AUDIO),
            ("voice", MessageKind.VOICE),
            ("document", MessageKind.DOCUMENT),
            ("sticker", MessageKind.STICKER),
        ],
    )
    def test_a_file_is_told_by_its_id_and_never_by_its_link(self, type_, kind):
        node = {"id": "oga-1", "mime_type": "x/y", "file_size": "7", "link": "https://s3/x?key=1"}
        node |= {"caption": "c", "filename": "f.ext"}
        told = said(type_, node).content
        media = Media(reference="oga-1", mime="x/y", size=7, file_name="f.ext")
        assert told == Content(kind=kind, media=media, caption="c")

    @pytest.mark.parametrize(
        "node", [{"id": "media_init"}, {"caption": "c"}, {"link": "https://s3/x?key=1"}, {}]
    )
    def test_a_file_without_an_id_yet_is_known_by_its_message(self, node):
        assert said("image", node).content.media.reference == "message:p.1-gBgTwl0rVw"

    def test_a_document_with_a_caption_may_be_called_either_way(self):
        for key in ("document", "documentWithCaption"):
            told = {**message("1", "documentWithCaption"), key: {"id": "pdf-1", "caption": "c"}}
            told = {name: one for name, one in told.items() if one != {}}
            assert read(body(told))[1].content.media.reference == "pdf-1"

    def test_a_place_has_coordinates_and_what_it_is_called(self):
        told = said("location", {"latitude": "51.5", "longitude": -0.1, "name": "Home"}).content
        assert (told.kind, told.text) == (MessageKind.LOCATION, "Home")
        assert told.structured["latitude"] == 51.5
        live = said("live_location", {"latitude": 1, "longitude": 2, "caption": "coming"}).content
        assert (live.kind, live.text) == (MessageKind.LOCATION, "coming")

    def test_cards_are_read_one_or_many(self):
        vcard = "BEGIN:VCARD\nFN:Bob\nTEL;waid=15550100202:+1 555-010-0202\nEND:VCARD"
        for type_, node in (
            ("contact", {"name": "Bob", "vcard": vcard}),
            ("contact_list", {"list": [{"name": "Bob", "vcard": vcard}]}),
        ):
            told = said(type_, node).content
            assert (told.kind, told.text) == (MessageKind.CONTACT, "Bob")
            [phone] = told.structured["contacts"][0]["phones"]
            assert phone == {"phone": "+1 555-010-0202", "whatsapp_id": "15550100202"}

    @pytest.mark.parametrize(
        ("word", "given"),
        [("buttons_reply", "ButtonsV3:yes"), ("list_reply", "ListV3:yes"), ("list_reply", "yes")],
    )
    def test_a_choice_has_the_id_that_we_gave_it(self, word, given):
        node = {"type": word, word: {"id": given, "title": "Yes", "description": "please"}}
        told = said("reply", node, context={"quoted_id": TARGET})
        assert told.content.kind is MessageKind.INTERACTIVE
        assert told.content.text == "Yes"
        expected = {"type": word, "id": "yes", "title": "Yes", "description": "please"}
        assert told.content.structured == expected
        assert told.reply_to == TARGET

    def test_an_order_keeps_what_was_ordered_and_not_the_key_to_it(self):
        node = {"order_id": "9", "title": "Gears", "token": "c2VjcmV0", "item_count": 2}
        item, told = read(body({**message("1", "order"), "order": node}))
        assert told.content.kind is MessageKind.ORDER
        assert (told.content.text, told.content.structured["item_count"]) == ("Gears", 2)
        assert b"c2VjcmV0" not in codec.dumps(item.fragment)

    @pytest.mark.parametrize("type_", ["interactive", "buttons", "list", "hsm"])
    def test_what_the_business_offers_is_told_in_its_words(self, type_):
        for node in ({"body": {"text": "Choose"}}, {"body": "Choose"}, {"text": "Choose"}):
            told = said(type_, node).content
            assert (told.kind, told.text) == (MessageKind.INTERACTIVE, "Choose")

    @pytest.mark.parametrize(
        "type_", ["poll", "group_invite", "newsletter_invite", "admin_invite", "product", "event"]
    )
    def test_what_is_not_supported_says_what_it_is_and_its_words(self, type_):
        told = said(type_, {"title": "Come"}).content
        assert (told.kind, told.text) == (MessageKind.UNSUPPORTED, "Come")
        assert told.structured["type"] == type_

    @pytest.mark.parametrize("node", [None, 7, "x", []])
    @pytest.mark.parametrize("type_", ["text", "image", "location", "contact", "reply", "order"])
    def test_a_known_type_of_an_unknown_shape_is_unsupported(self, type_, node):
        assert said(type_, node).content.kind is MessageKind.UNSUPPORTED

    @pytest.mark.parametrize("node", [{}, {"body": 7}])
    @pytest.mark.parametrize("type_", ["text", "location", "contact", "reply", "order"])
    def test_a_known_type_that_says_nothing_is_unsupported(self, type_, node):
        assert said(type_, node).content.kind is MessageKind.UNSUPPORTED

    @pytest.mark.parametrize("told", [1697043223, "1697043223", 1697043223.0])
    def test_times_are_numbers_or_written_out(self, told):
        noon = datetime.fromtimestamp(1697043223, UTC)
        assert said("text", {"body": "x"}, timestamp=told).platform_timestamp == noon

    def test_an_answer_names_what_it_answers(self):
        assert said("text", {"body": "x"}, context={"quoted_id": TARGET}).reply_to == TARGET


class TestActions:
    def test_a_reaction_has_its_emoji_and_its_target(self):
        kind, told = action(type="reaction", target=TARGET, emoji="👍")
        assert (kind, told.content.kind) == (ItemKind.REACTION, MessageKind.REACTION)
        assert told.content.structured == {"emoji": "👍", "target": TARGET}
        assert told.reply_to is None

    @pytest.mark.parametrize("node", [{}, {"emoji": ""}])
    def test_a_reaction_without_an_emoji_was_taken_back(self, node):
        _, told = action(type="reaction", target=TARGET, **node)
        assert told.content.structured == {"emoji": "", "target": TARGET}

    def test_our_own_reaction_is_an_echo(self):
        node = {"type": "reaction", "target": TARGET, "emoji": "👍"}
        item, told = from_me(type="action", action=node)
        assert (item.kind, told.from_human) == (ItemKind.ECHO, True)

    @pytest.mark.parametrize(
        ("node", "kind"),
        [
            ({"type": "edit", "target": TARGET, "edited_content": {"body": "new"}}, ItemKind.EDIT),
            ({"type": "delete", "target": TARGET}, ItemKind.DELETE),
            ({"type": "pin", "target": TARGET}, ItemKind.SYSTEM),
        ],
    )
    def test_what_the_business_edits_or_deletes_is_no_echo(self, node, kind):
        assert from_me(type="action", action=node)[0].kind is kind

    @pytest.mark.parametrize("word", ["edit", "edited"])
    @pytest.mark.parametrize("node", [{"body": "new"}, {"text": {"body": "new"}}])
    def test_an_edit_has_its_target_and_the_new_content(self, word, node):
        kind, told = action(type=word, target=TARGET, edited_type="text", edited_content=node)
        content = Content(kind=MessageKind.TEXT, text="new")
        assert (kind, told) == (ItemKind.EDIT, Edit(target=TARGET, content=content))

    def test_an_edited_caption_leaves_the_file_what_it_was(self):
        node = {"type": "edit", "target": TARGET, "edited_type": "image"}
        _, told = action(**node, edited_content={"caption": "new"})
        assert told.content.caption == "new"
        assert told.content.media.reference == f"message:{TARGET}"

    def test_a_deletion_has_its_target(self):
        assert action(type="delete", target=TARGET) == (ItemKind.DELETE, Deletion(target=TARGET))

    @pytest.mark.parametrize("word", ["edit", "delete"])
    def test_without_a_target_nothing_is_changed(self, word):
        assert isinstance(action(type=word)[1], Unrecognised)

    def test_a_vote_is_a_choice_and_answers_the_poll(self):
        kind, told = action(type="vote", target=TARGET, votes=["Tuesday", "Friday"])
        assert (kind, told.content.kind) == (ItemKind.MESSAGE, MessageKind.INTERACTIVE)
        assert (told.content.text, told.reply_to) == ("Tuesday, Friday", TARGET)

    def test_a_vote_that_was_taken_back_is_a_notice(self):
        kind, told = action(type="vote", target=TARGET, votes=[])
        assert (kind, told.notice) == (ItemKind.SYSTEM, "action:vote")

    def test_a_comment_is_a_text_and_answers_its_message(self):
        kind, told = action(type="comment", target=TARGET, comment="well said")
        assert (kind, told.content.text, told.reply_to) == (ItemKind.MESSAGE, "well said", TARGET)

    @pytest.mark.parametrize("word", ["pin", "unpin", "ephemeral", "event_response", "new", None])
    def test_other_actions_are_notices(self, word):
        kind, told = action(type=word, target=TARGET)
        assert (kind, type(told)) == (ItemKind.SYSTEM, Notice)


class TestUpdates:
    BEFORE = message("1", body="old")
    AFTER = message("1", body="new")

    def update(self, **more):
        told = {"id": "p.1-gBgTwl0rVw", "before_update": self.BEFORE, "after_update": self.AFTER}
        [item] = part("messages_updates", [told | more], "patch")
        return item, PROVIDER.parse(item.kind, item.fragment)

    def test_a_change_of_the_words_is_an_edit(self):
        item, told = self.update(changes=["text"])
        assert (item.kind, item.platform_user_id) == (ItemKind.EDIT, USER)
        content = Content(kind=MessageKind.TEXT, text="new")
        assert told == Edit(target="p.1-gBgTwl0rVw", content=content)

    def test_each_edit_of_a_message_has_an_id_of_its_own(self):
        again = copy.deepcopy(self.AFTER) | {"text": {"body": "newer"}}
        ids = {
            self.update(changes=["text"], after_update=after)[0].message_id
            for after in (self.AFTER, again, self.AFTER)
        }
        assert len(ids) == 2

    @pytest.mark.parametrize("changes", [["reactions"], ["labels", "status"], [], None, [7]])
    def test_any_other_change_is_a_notice(self, changes):
        item, told = self.update(changes=changes)
        assert (item.kind, told.notice) == (ItemKind.SYSTEM, "messages_updates")

    def test_an_action_that_comes_as_an_update_is_the_same_item_as_the_action_alone(self):
        node = {"type": "reaction", "target": "p.1-gBgTwl0rVw", "emoji": "👍"}
        trigger = {**message("9", "action"), "action": node}
        item, told = self.update(trigger=trigger, changes=["reactions"])
        alone, same = read(body(trigger))
        assert (item.kind, item.message_id) == (alone.kind, alone.message_id)
        assert told == same

    def test_an_edit_that_comes_as_an_update_takes_what_the_action_does_not_tell(self):
        trigger = {**message("9", "action"), "action": {"type": "edit"}}
        _, told = self.update(trigger=trigger)
        assert told.target == "p.1-gBgTwl0rVw"
        assert told.content.text == "new"


class TestTheRest:
    def test_messages_removed_on_the_phone_are_deletions_without_a_chat(self):
        first, second = part("messages_removed", ["a-1", "b-2"], "delete")
        assert (first.kind, first.platform_user_id) == (ItemKind.DELETE, "")
        assert PROVIDER.parse(second.kind, second.fragment) == Deletion(target="b-2")

    def test_a_cleared_chat_is_a_notice_in_that_chat(self):
        [item] = part("messages_removed_all", f"{USER}@s.whatsapp.net", "delete")
        assert (item.kind, item.platform_user_id) == (ItemKind.SYSTEM, USER)
        told = PROVIDER.parse(item.kind, item.fragment)
        assert told.notice == "messages_removed_all.delete"

    @pytest.mark.parametrize("word", list(Status))
    def test_a_status_is_told_once_for_each_word(self, word):
        node = {"id": "s-1", "code": 3, "status": word.value, "recipient_id": f"{USER}@c.us"}
        [item] = part("statuses", [node | {"timestamp": "1697043223"}])
        told = PROVIDER.parse(item.kind, item.fragment)
        assert (item.platform_user_id, item.message_id) == (USER, f"s-1:{word.value}")
        noon = datetime.fromtimestamp(1697043223, UTC)
        assert told == StatusReport(platform_message_id="s-1", status=word, reported_at=noon)

    def test_in_a_group_each_reader_is_told_apart(self):
        node = {"id": "s-1", "status": "read", "recipient_id": GROUP}
        items = part("statuses", [node | {"viewer_id": viewer} for viewer in ("111", "222")])
        assert [item.message_id for item in items] == ["s-1:read:111", "s-1:read:222"]
        assert {item.platform_user_id for item in items} == {GROUP}

    def test_a_failure_says_why(self):
        errors = [{"code": 463, "message": "not sent", "details": "the phone is away"}]
        [item] = part("statuses", [{"id": "s-1", "status": "failed", "errors": errors}])
        told = PROVIDER.parse(item.kind, item.fragment)
        assert (told.error_code, told.error_message) == ("463", "the phone is away")

    @pytest.mark.parametrize("word", ["pending", "lost"])
    def test_a_word_that_is_no_outcome_is_a_notice(self, word):
        [item] = part("statuses", [{"id": "s-1", "status": word, "recipient_id": USER}])
        assert item.kind is ItemKind.SYSTEM
        assert PROVIDER.parse(item.kind, item.fragment).notice == f"status:{word}"

    @pytest.mark.parametrize(
        ("key", "value", "chat"),
        [
            ("chats", [{"id": f"{USER}@s.whatsapp.net"}], USER),
            ("chats_removed", [f"{USER}@s.whatsapp.net"], USER),
            ("contacts", [{"id": USER}], USER),
            ("groups", [{"id": GROUP}], GROUP),
            ("groups_participants", [{"group_id": GROUP, "action": "add"}], GROUP),
            ("presences", [{"contact_id": USER, "status": "typing"}], USER),
            ("calls", [{"id": "C", "chat_id": USER, "status": "missed"}], USER),
            ("labels", [{"id": "1"}], ""),
            ("health", {"status": {"text": "AUTH"}}, ""),
            ("user", {"id": OWN}, ""),
            ("errors", [{"code": 1}], ""),
        ],
    )
    def test_what_is_no_message_is_a_notice_of_the_chat_or_of_the_account(self, key, value, chat):
        [item] = part(key, value)
        told = PROVIDER.parse(item.kind, item.fragment)
        assert (item.kind, item.platform_user_id) == (ItemKind.SYSTEM, chat)
        assert (told.notice, item.message_id.startswith(f"{key}:")) == (f"{key}.post", True)

    def test_a_login_and_a_logout_are_two_things(self):
        [one], [other] = (part("user", {"id": OWN}, event) for event in ("post", "delete"))
        assert one.message_id != other.message_id

    def test_a_code_that_makes_another_phone_the_channels_is_not_kept(self):
        [item] = part("qr", {"status": "OK", "base64": "iVBO", "rowdata": "2@abc", "expire": 20})
        assert item.fragment["value"] == {"status": "OK", "expire": 20}
