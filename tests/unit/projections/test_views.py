"""The view of an active chat, fact by fact."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.active_chat import ActiveChat
from projections.view_store import kept, read_view, resting
from projections.views import LONGEST_TEXT, RECENT, evolve
from schemas import codec
from schemas.content import Content, Evidence, MessageKind, Origin, PauseReason, Status
from schemas.envelope import Recorded
from schemas.facts import (
    BotPaused,
    BotResumed,
    CloseRequested,
    ConversationClosed,
    ConversationOpened,
    ConversationSummarised,
    Fact,
    MediaDescribed,
    MediaTextExtracted,
    MediaTranscribed,
    MessageDeleted,
    MessageReceived,
    MessageSendConfirmed,
    MessageSendWithheld,
    MessageStatusReported,
    ReplyGenerated,
    RetryRequested,
)
from tests.support import facts

DAY = timedelta(hours=24)


def chat(seed: int, count: int) -> list[Recorded[Fact]]:
    """One chat's facts, moments apart."""
    log = [one for one in facts.log(seed, chats=1, facts=count + 1) if one.tenant == "tenant-0"][1:]
    return [replace(one, time=facts.BEGIN + n * timedelta(seconds=1)) for n, one in enumerate(log)]


def folded(log: list[Recorded[Fact]], view: ActiveChat | None = None) -> ActiveChat | None:
    for one in log:
        view = evolve(view, one, DAY)
    return view


def known(log: list[Recorded[Fact]]) -> ActiveChat:
    view = folded(log)
    assert view is not None
    return view


def test_it_holds_the_latest_messages_of_the_latest_conversation() -> None:
    log = chat(1, 400)
    for end in range(1, len(log)):
        view = known(log[:end])
        opened = (
            max(n for n, one in enumerate(log[:end]) if isinstance(one.data, ConversationOpened))
            if any(isinstance(one.data, ConversationOpened) for one in log[:end])
            else end
        )
        said = [
            one.data
            for one in log[opened:end]
            if isinstance(one.data, MessageReceived | ReplyGenerated)
        ]
        assert [line.number for line in view.recent] == [one.number for one in said][-RECENT:]
        assert len(view.recent) <= RECENT


def test_a_fact_that_comes_again_or_late_changes_nothing() -> None:
    log = chat(2, 60)
    view = known(log)
    assert all(evolve(view, one, DAY) is view for one in log)


def test_an_accounts_own_facts_make_no_view() -> None:
    assert folded([facts.account_notice("acme", "1")]) is None


def test_a_chat_whose_beginning_was_lost_is_shown_from_its_next_message() -> None:
    log = chat(3, 60)
    at = next(n for n, one in enumerate(log) if n > 20 and isinstance(one.data, MessageReceived))
    view = known(log[at:])
    assert view.recent
    assert view.person.platform is None


def test_after_a_pause_only_the_person_is_remembered() -> None:
    log = chat(4, 60)
    view = known(log)
    (said,) = [one for one in log if isinstance(one.data, MessageReceived)][-1:]
    later = replace(said, sequence=view.seq + 1, time=view.last_activity + DAY)
    still = evolve(view, later, DAY)
    forgotten = evolve(view, replace(later, time=later.time + timedelta(seconds=1)), DAY)
    assert still is not None
    assert forgotten is not None
    assert len(still.recent) >= len(view.recent)
    assert len(forgotten.recent) == 1
    assert forgotten.mode is None
    assert forgotten.person == view.person


def test_a_status_only_moves_forward() -> None:
    log = chat(5, 60)
    at = next(n for n, one in enumerate(log) if isinstance(one.data, ReplyGenerated))
    reply = log[at].data
    assert isinstance(reply, ReplyGenerated)

    def reported(sequence: int, status: Status, attempt: int) -> Recorded[Fact]:
        fact = MessageStatusReported(
            message_id=reply.reply_id,
            platform_message_id="x",
            attempt=attempt,
            status=status,
            reported_at=None,
            error_code=None,
            error_message=None,
            action="status",
        )
        return replace(log[at], data=fact, sequence=sequence)

    told = [(Status.READ, 1), (Status.DELIVERED, 1), (Status.SENT, 2), (Status.READ, 1)]
    view, seen = folded(log[: at + 1]), []
    for sequence, (status, attempt) in enumerate(told, at + 10):
        view = evolve(view, reported(sequence, status, attempt), DAY)
        assert view is not None
        seen.append(view.recent[-1].status)
    assert seen == ["read", "read", "sent", "sent"]


def test_long_texts_are_shortened() -> None:
    log = chat(6, 20)
    at = next(n for n, one in enumerate(log) if isinstance(one.data, MessageReceived))
    content = Content(kind=MessageKind.TEXT, text="x" * 5000)
    log[at] = replace(log[at], data=replace(log[at].data, content=content))
    assert known(log[: at + 1]).recent[-1].text == "x" * LONGEST_TEXT


def test_closing_ends_the_conversation_and_leaves_what_was_said() -> None:
    log = chat(7, 400)
    at = next(n for n, one in enumerate(log) if isinstance(one.data, ConversationClosed))
    view = known(log[: at + 1])
    assert view.conversation is not None
    assert view.conversation.status == "closed"
    assert view.recent


@given(st.integers(0, 10_000), st.integers(1, 80))
def test_a_view_is_read_as_it_was_written(seed: int, count: int) -> None:
    view = known(chat(seed % 50, count))
    assert read_view(codec.dumps(view)) == view


def told(view: ActiveChat, *happened: Fact, after: timedelta = timedelta(0)) -> ActiveChat:
    """The view after more facts."""
    for fact in happened:
        one = Recorded(
            id="",
            time=view.last_activity + after,
            source="/test",
            tenant=view.tenant,
            chat_id=view.chat_id,
            causation_id="",
            correlation_id="",
            data=fact,
            sequence=view.seq + 1,
        )
        found = evolve(view, one, DAY)
        assert found is not None
        view = found
    return view


def test_it_shows_who_paused_the_bot_until_it_answers_again() -> None:
    view = told(known(chat(1, 50)), BotPaused(reason=PauseReason.MANUAL_PAUSE, by="ada"))
    assert view.pause is not None
    assert (view.pause.reason, view.pause.by) == (PauseReason.MANUAL_PAUSE, "ada")
    assert told(view, BotResumed(by=None, is_automatic=True)).pause is None


def test_a_pause_outlives_what_was_said_and_the_view_in_the_store() -> None:
    paused = told(known(chat(1, 50)), BotPaused(reason=PauseReason.MANUAL_PAUSE, by="ada"))
    later = told(paused, CloseRequested(by="ada"), after=2 * DAY)
    assert later.recent == ()
    assert later.pause == paused.pause
    rest = resting((paused.tenant, paused.chat_id), kept(paused))
    assert rest.pause == paused.pause


def test_a_reply_that_is_sent_again_is_pending_until_that_has_ended() -> None:
    log = chat(1, 400)
    at = max(n for n, one in enumerate(log) if isinstance(one.data, ReplyGenerated))
    reply = log[at].data
    assert isinstance(reply, ReplyGenerated)
    view = told(
        known(log[: at + 1]),
        MessageSendWithheld(reply_id=reply.reply_id, attempt=1, error_code="outside_window"),
    )
    assert view.recent[-1].status == "saved_only"
    view = told(view, RetryRequested(reply_id=reply.reply_id, attempt=2, by="ada"))
    assert (view.recent[-1].status, view.recent[-1].attempt) == ("pending", 2)
    confirmed = MessageSendConfirmed(
        reply_id=reply.reply_id, attempt=2, platform_message_id="x", by=Evidence.ECHO
    )
    assert told(view, confirmed).recent[-1].status == "sent"


def test_it_shows_what_is_in_a_messages_file_shortened_until_the_message_is_taken_back() -> None:
    view = known(chat(1, 50))
    said = next(line for line in reversed(view.recent) if line.origin is Origin.USER)
    known_job = {"job_id": "j", "attempt": 1, "message_id": said.message_id}

    def in_file(view: ActiveChat) -> str | None:
        (line,) = [one for one in view.recent if one.message_id == said.message_id]
        return line.media_text

    view = told(view, MediaTranscribed(**known_job, text="x" * 5000, language=None))
    assert in_file(view) == "x" * LONGEST_TEXT
    assert in_file(told(view, MediaDescribed(**known_job, text="A barn"))) == "A barn"
    read = MediaTextExtracted(**known_job, text="Total: 5", pages=1, pages_seen=None)
    assert in_file(told(view, read)) == "Total: 5"
    named = {"platform_message_id": "x", "source_id": "y", "action": "recorded"}
    gone = told(view, MessageDeleted(message_id=said.message_id, **named))
    assert in_file(gone) is None
    assert in_file(told(gone, read)) is None


def test_it_shows_what_the_latest_conversation_was_about() -> None:
    view = known(chat(1, 50))
    assert view.conversation is not None
    summary = {"job_id": "j", "text": "Ada wants a refund", "is_latest": True}
    other = told(view, ConversationSummarised(**summary, conversation_id="another"))
    assert other.conversation == view.conversation
    own = view.conversation.conversation_id
    view = told(view, ConversationSummarised(**summary, conversation_id=own))
    assert view.conversation is not None
    assert view.conversation.summary == "Ada wants a refund"
