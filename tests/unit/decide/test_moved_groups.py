"""A group of Telegram that becomes a supergroup: one chat, reached by the new id."""

from itertools import permutations

import pytest

from providers.registry import PROVIDERS
from schemas import identity
from schemas.content import Content, MessageKind, Platform
from schemas.envelope import Recorded
from schemas.facts import MessageReceived
from schemas.inputs import SendByHand, WebhookReceived
from streams.decide.chat import decide
from streams.decide.state import ChatState
from tests.support import webhooks
from tests.support.partitions import Partitions
from tests.support.story import policy

OLD, NEW = "-599075523", "-1001555296434"
WORDS = Content(kind=MessageKind.TEXT, text="Good morning, all")


def chat_of(user: str) -> str:
    return identity.chat_id(tenant=webhooks.TENANT, platform="telegram", platform_user_id=user)


def update(number: int, chat: str, **says: object) -> Recorded:
    group = {"id": int(chat), "type": "group" if chat == OLD else "supergroup", "title": "Tea"}
    told = {"message_id": number, "chat": group, "from": {"id": 7, "first_name": "Ada"}}
    body = {"update_id": number, "message": told | {"date": 1_767_614_400 + number} | says}
    (item,) = PROVIDERS["telegram"].split(body)
    data = WebhookReceived(
        provider="telegram",
        account="bot",
        platform=Platform.TELEGRAM,
        kind=item.kind,
        platform_user_id=item.platform_user_id,
        message_id=item.message_id,
        fragment=item.fragment,
    )
    return told_to(item.platform_user_id, f"update-{number}", data)


def told_to(user: str, input_id: str, data: object) -> Recorded:
    return Recorded(
        id=input_id,
        time=webhooks.T0,
        source="/test",
        tenant=webhooks.TENANT,
        chat_id=chat_of(user),
        causation_id=input_id,
        correlation_id=input_id,
        data=data,
    )


BEFORE = (update(1, OLD, text="one"), update(2, OLD, text="two"))
LEFT = update(3, OLD, migrate_to_chat_id=int(NEW))
CAME = update(4, NEW, migrate_from_chat_id=int(OLD))
AFTER = update(5, NEW, text="three")


def test_what_is_sent_after_a_move_goes_to_the_new_group():
    state = ChatState(chat_of(OLD), webhooks.TENANT)
    for one in (*BEFORE, LEFT):
        state = decide(state, one, policy()).state
    by_hand = told_to(OLD, "hand", SendByHand(content=WORDS, by="ops"))
    (order,) = decide(state, by_hand, policy()).orders
    assert order.to == NEW


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("order", list(permutations([LEFT, CAME, AFTER])))
def test_a_moved_group_goes_on_in_its_first_chat_in_whatever_order_it_is_told(order, count):
    inboxes = Partitions(count)
    for one in (*BEFORE, *order):
        inboxes.append(one)
        inboxes.drain()
    states = inboxes.states
    assert states[chat_of(NEW)].merged_into == chat_of(OLD)
    assert states[chat_of(OLD)].merged_into is None
    assert states[chat_of(OLD)].reached_at == NEW
    said = [f.data for f in inboxes.facts if isinstance(f.data, MessageReceived)]
    assert sorted(fact.content.text for fact in said) == ["one", "three", "two"]


def test_a_group_that_was_only_seen_to_move_is_one_chat_too():
    for order in permutations([LEFT, CAME, AFTER]):
        inboxes = Partitions(2)
        for one in order:
            inboxes.append(one)
        inboxes.drain()
        states = inboxes.states
        going_on = [state for state in states.values() if state.merged_into is None]
        assert [state.reached_at for state in going_on] == [NEW]
