"""What the demo plays, and what it expects of that."""

from collections import defaultdict
from dataclasses import replace

from chatfold.demo import assisted, scenes, script
from chatfold.demo.expected import expected
from chatfold.demo.received import reply_in
from providers.registry import PROVIDERS


def test_every_provider_is_played_by_several_people():
    people = defaultdict(set)
    for webhook in script.webhooks():
        people[webhook.provider].add(webhook.person)
    assert people.keys() == PROVIDERS.keys()
    assert all(len(own) == script.PEOPLE for own in people.values())


def test_nobody_shares_a_chat_or_a_message_with_anybody():
    said_in_scenes = (scene.webhook for scene in scenes.SCENES)
    everything = (*script.webhooks(), *said_in_scenes, *assisted.webhooks())
    chats, messages = defaultdict(set), defaultdict(set)
    for webhook in everything:
        for item in script.items(webhook) if webhook.status == 200 else ():
            if item.platform_user_id:
                platform = PROVIDERS[webhook.provider].platform
                chats[platform, item.platform_user_id].add(webhook.person)
                messages[webhook.provider, item.kind, item.message_id].add(webhook.person)
    assert [chat for chat, people in chats.items() if len(people) > 1] == []
    assert [message for message, people in messages.items() if len(people) > 1] == []


def test_the_bot_leaves_a_chat_to_the_human_who_took_it_over():
    play = script.webhooks()
    for later in script.afterwards():
        own = [webhook for webhook in play if webhook.person == later.person]
        (chat,) = (item.platform_user_id for item in script.items(later))
        before, after = expected(own), expected([*own, later])
        is_taken_over = (later.provider, chat) in before.taken_over
        assert before.taken_over
        assert after.replies.total() - before.replies.total() == 1 - is_taken_over
        assert len(after.left_to_humans) == is_taken_over


def test_a_redelivery_is_a_duplicate_and_what_is_refused_is_nothing():
    hello = script.said(7, "telegram", "Hello")
    forged = replace(hello, status=401, signed=False)
    told = expected([forged, hello, hello])
    assert (len(told.messages), told.replies.total(), told.duplicates) == (1, 1, 1)


def test_what_takes_another_way_is_expected_there_alone():
    told = scenes.wanted([])
    assert told.replies.total() == len(told.messages) == len(scenes.SCENES)
    (sms,) = (reply for reply in told.replies if reply[0] == script.SMS)
    assert sms[1].startswith("+1555")
    (turned,) = (scene.provider for scene in scenes.SCENES if scene.falls_back)
    assert turned not in {reply[0] for reply in told.replies}


def test_a_reply_is_known_in_every_providers_words():
    bodies = {
        "whatsapp_cloud": {"to": "1", "context": {"message_id": "m"}},
        "telegram": {"chat_id": 1, "reply_parameters": {"message_id": "m"}},
        "instagram": {"recipient": {"id": "1"}, "reply_to": {"mid": "m"}},
        "whapi": {"to": "1", "quoted": "m"},
        "evolution": {"number": "1", "quoted": {"key": {"id": "m"}}},
        "greenapi": {"chatId": "1", "quotedMessageId": "m"},
    }
    for provider, body in bodies.items():
        assert reply_in(provider, body) == (provider, "1", "m")
    assert reply_in("twilio_sms", {"To": "1", "Body": "…"}) == ("twilio_sms", "1", "")


def test_who_changes_how_they_are_reached_waits_for_all_answers_first():
    for person in range(1, script.PEOPLE + 1):
        own = [one for one in script.webhooks() if one.person == person and one.status == 200]
        assert [one.act for one in own] == sorted(one.act for one in own)
        moved = [n for n, one in enumerate(own) if b"user_changed_number" in one.body]
        assert all(own[n].act > own[n - 1].act for n in moved)
