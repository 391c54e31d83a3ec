"""Laws of a person with several ids, wherever their chats are and whatever comes first."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import identity
from schemas.content import SendOutcome
from schemas.envelope import Recorded
from schemas.facts import (
    ChatMerged,
    ChatStarted,
    MessageReceived,
    MessageSent,
    MessageStatusReported,
    ReplyGenerated,
)
from schemas.inputs import SendReported
from streams.decide.delivery import reference
from tests.support import webhooks
from tests.support.partitions import Partitions

PHONE, OLD_ID, NEW_ID, STRANGER = "4915100000001", "DE.1", "DE.2", "4915100000009"
USERS = (PHONE, OLD_ID, NEW_ID, STRANGER)

# Who writes, and by which other id the provider names them at once (3: by none).
writes = st.tuples(st.just("writes"), st.integers(0, 3), st.integers(0, 3))
renames = st.tuples(st.just("renames"), st.booleans(), st.none())
repeats = st.tuples(st.just("repeats"), st.integers(0, 80), st.none())
counts = st.tuples(st.integers(0, 3), st.integers(1, 4))
decides = st.tuples(st.just("decides"), counts, st.booleans())
sends = st.tuples(st.just("sends"), st.integers(0, 50), st.none())
tells = st.tuples(st.just("tells"), st.integers(0, 50), st.integers(0, 3))
waits = st.tuples(st.just("waits"), st.integers(0, 3), st.none())
steps = st.lists(
    st.one_of(writes, writes, renames, repeats, decides, decides, sends, tells, waits), max_size=50
)
partitions = st.integers(1, 4)


def chat_of(user: str) -> str:
    return identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=user)


@dataclass
class World:
    """The partitions, who writes to them, and the clock of it all."""

    inboxes: Partitions
    now: datetime = webhooks.T0
    count: int = 0
    written: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    links: set[frozenset[str]] = field(default_factory=set)

    def writes(self, who: int, also: int) -> None:
        user, other = USERS[who], USERS[also]
        by_phone = user in {PHONE, STRANGER}
        user_id = other if user == PHONE and other in {OLD_ID, NEW_ID} else None
        self.count += 1
        wamid = f"wamid.{self.count}"
        self.written[user].append(wamid)
        message = webhooks.text("hello", wamid=wamid, user=user, at=self.now)
        contact = {"wa_id": user} if by_phone else {"user_id": user}
        if not by_phone:
            message["from_user_id"] = message.pop("from")
        if user_id is not None:
            contact["user_id"] = user_id
            self.links.add(frozenset((user, user_id)))
        self.arrives("messages", contacts=[contact], messages=[message])

    def renames(self, by_phone: bool, _: None) -> None:
        self.count += 1
        update = {"user_id": {"previous": OLD_ID, "current": NEW_ID}, "timestamp": str(self.count)}
        if by_phone:
            update["wa_id"] = PHONE
            self.links |= {frozenset((PHONE, OLD_ID)), frozenset((PHONE, NEW_ID))}
        self.links.add(frozenset((OLD_ID, NEW_ID)))
        self.arrives("user_id_update", user_id_update=[update])

    def arrives(self, field_name: str, **value: object) -> None:
        account = {"display_phone_number": "15550001111", "phone_number_id": webhooks.PHONE_ID}
        whole = {"messaging_product": "whatsapp", "metadata": account, **value}
        changes = [{"field": field_name, "value": whole}]
        body = {"object": "whatsapp_business_account", "entry": [{"id": "9", "changes": changes}]}
        for one in webhooks.inputs(body, at=self.now):
            self.inboxes.append(one)

    def repeats(self, which: int, _: None) -> None:
        self.inboxes.repeat(which)

    def decides(self, what: tuple[int, int], crash: bool) -> None:
        partition, count = what
        self.inboxes.decide(partition, count, crash=crash)

    def sends(self, which: int, _: None) -> None:
        if self.inboxes.orders:
            self.act(self.inboxes.orders[which % len(self.inboxes.orders)])

    def tells(self, which: int, who: int) -> None:
        """A status of a reply that was handed out, by any of the ids."""
        orders = self.inboxes.orders
        if not orders:
            return
        order, user = orders[which % len(orders)], USERS[who]
        self.count += 1
        named = reference(order.data.reply_id, order.data.attempt, order.chat_id)
        told = webhooks.status("read", wamid=f"told.{self.count}", user=user, reference=named)
        if user in {OLD_ID, NEW_ID}:
            told["recipient_user_id"] = told.pop("recipient_id")
        self.arrives("messages", statuses=[told])

    def waits(self, minutes: int, _: None) -> None:
        self.now += timedelta(minutes=minutes)

    def act(self, order: Recorded) -> None:
        reply = order.data
        report = SendReported(
            reply_id=reply.reply_id,
            attempt=reply.attempt,
            outcome=SendOutcome.SENT,
            platform_message_id=f"out.{reply.reply_id}",
            started_at=self.now,
            finished_at=self.now,
        )
        report_id = identity.report_id(reply_id=reply.reply_id, attempt=reply.attempt)
        self.inboxes.append(
            Recorded(
                id=report_id,
                time=self.now,
                source="/test",
                tenant=webhooks.TENANT,
                chat_id=order.chat_id,
                causation_id=order.id,
                correlation_id=order.correlation_id,
                data=report,
            )
        )

    def finish(self) -> None:
        """Decide everything and send every reply, until nothing new happens."""
        acted = -1
        while acted != len(self.inboxes.orders):
            self.inboxes.drain()
            acted = len(self.inboxes.orders)
            for order in self.inboxes.orders:
                self.act(order)
            self.inboxes.drain()

    def survivor(self, user: str) -> str:
        """The chat that goes on for an id; raises if the way there is a circle."""
        states, chat = self.inboxes.states, chat_of(user)
        for _ in states:
            into = states[chat].merged_into
            if into is None:
                return chat
            chat = into
        raise AssertionError("a circle of merged chats")


def play(story, count: int) -> World:
    world = World(Partitions(count))
    for step, first, second in story:
        getattr(world, step)(first, second)
    world.finish()
    return world


def linked_groups(world: World) -> list[set[str]]:
    """The ids that the provider has named as one person's."""
    groups: list[set[str]] = []
    for pair in world.links:
        touching = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair]
        groups.append(set(pair).union(*touching))
    return groups


@given(steps, partitions)
@settings(max_examples=200, deadline=None)
def test_each_message_is_in_one_chat_and_answered_once(story, count):
    world = play(story, count)
    facts = [fact.data for fact in world.inboxes.facts]
    received = Counter(f.platform_message_id for f in facts if isinstance(f, MessageReceived))
    answered = Counter(f.in_reply_to for f in facts if isinstance(f, ReplyGenerated))
    written = Counter(wamid for wamids in world.written.values() for wamid in wamids)
    assert received == written
    assert answered == written
    assert world.inboxes.dead_letters == []


@given(steps, partitions)
@settings(max_examples=200, deadline=None)
def test_each_reply_is_sent_by_the_chat_that_made_it(story, count):
    facts = play(story, count).inboxes.facts
    made = Counter(
        (f.chat_id, f.data.reply_id) for f in facts if isinstance(f.data, ReplyGenerated)
    )
    sent = Counter((f.chat_id, f.data.reply_id) for f in facts if isinstance(f.data, MessageSent))
    assert sent == made


@given(steps, partitions)
@settings(max_examples=200, deadline=None)
def test_only_the_chat_that_made_a_reply_tells_of_it(story, count):
    facts = play(story, count).inboxes.facts
    maker = {f.data.reply_id: f.chat_id for f in facts if isinstance(f.data, ReplyGenerated)}
    told = [f for f in facts if isinstance(f.data, MessageStatusReported)]
    assert all(maker.get(f.data.message_id, f.chat_id) == f.chat_id for f in told)


@given(steps, partitions)
@settings(max_examples=200, deadline=None)
def test_numbers_have_no_gap_and_ids_no_double(story, count):
    facts = play(story, count).inboxes.facts
    chats = defaultdict(list)
    for fact in facts:
        chats[fact.chat_id].append(fact.sequence)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in chats.values())
    assert len({fact.id for fact in facts}) == len(facts)


@given(steps, partitions)
@settings(max_examples=200, deadline=None)
def test_all_ids_of_a_person_end_in_the_oldest_chat_and_nobody_elses_does(story, count):
    world = play(story, count)
    facts = world.inboxes.facts
    began = {f.chat_id: (f.time, f.chat_id) for f in facts if isinstance(f.data, ChatStarted)}
    groups = linked_groups(world)
    for group in groups:
        survivors = {world.survivor(user) for user in group}
        oldest = min(began[chat] for chat in map(chat_of, group) if chat in began)
        assert survivors == {oldest[1]}
    alone = set(USERS) - set().union(*groups)
    merged = {fact.chat_id for fact in facts if isinstance(fact.data, ChatMerged)}
    assert merged.isdisjoint(map(chat_of, alone))


@given(steps, partitions)
@settings(max_examples=200, deadline=None)
def test_what_one_id_wrote_keeps_its_order_in_each_chat(story, count):
    world = play(story, count)
    place = {
        wamid: (user, number)
        for user, wamids in world.written.items()
        for number, wamid in enumerate(wamids)
    }
    chats = defaultdict(list)
    for fact in world.inboxes.facts:
        if isinstance(fact.data, MessageReceived):
            user, number = place[fact.data.platform_message_id]
            chats[fact.chat_id, user].append(number)
    assert all(numbers == sorted(numbers) for numbers in chats.values())


@given(steps, partitions)
@settings(max_examples=100, deadline=None)
def test_a_later_message_is_answered_by_the_one_chat_at_the_id_it_came_from(story, count):
    world = play([*story, ("renames", True, None)], count)
    for who in (0, 1, 2):
        world.now += timedelta(minutes=1)
        before = len(world.inboxes.orders)
        world.writes(who, 3)
        world.inboxes.drain()
        (order,) = [o for o in world.inboxes.orders if o.correlation_id == last_id(world, who)]
        assert len(world.inboxes.orders) == before + 1
        assert (order.chat_id, order.data.to) == (world.survivor(PHONE), USERS[who])
        world.act(order)
        world.inboxes.drain()


def last_id(world: World, who: int) -> str:
    return identity.input_id(
        tenant=webhooks.TENANT,
        provider="whatsapp_cloud",
        account=webhooks.PHONE_ID,
        kind="message",
        message_id=world.written[USERS[who]][-1],
    )
