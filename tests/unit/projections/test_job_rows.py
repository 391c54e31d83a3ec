"""What people see of jobs, from the decision to the row."""

from random import Random

import pytest

from schemas import identity
from schemas.content import MessageKind
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.inputs import CloseConversation, PauseChat, RetryJob
from tests.support import facts, oracle, webhooks
from tests.support.assisted import AssistedStory
from tests.support.merged import Memory, told
from tests.support.plain_provider import plain_provider
from tests.support.story import CHAT

__all__ = ["plain_provider"]

pytestmark = pytest.mark.usefixtures("plain_provider")


def rows_of(story: AssistedStory) -> oracle.Tables:
    """The tables after all that was decided, in batches; they are what the oracle says."""
    log = [recorded(fact, number) for number, fact in enumerate(story.facts, 1)]
    memory = Memory()
    for batch in facts.splits(log, Random(7)):
        memory.take(batch)
    found = told(memory.rows)
    assert found == told(oracle.tables(log))
    return found


def recorded(fact: Fact, sequence: int) -> Recorded[Fact]:
    return Recorded(
        id=identity.fact_id("test", sequence),
        time=webhooks.T0,
        source="/chatfold/decider",
        tenant=webhooks.TENANT,
        chat_id=CHAT,
        causation_id="test",
        correlation_id="test",
        data=fact,
        sequence=sequence,
    )


def actions(rows: oracle.Tables) -> dict[str, str]:
    return {
        name: row["action_taken"]
        for (_, name, kind, _), row in rows["processed_events"].items()
        if kind == "message"
    }


def test_a_reply_of_the_models_tells_who_wrote_it_and_what_that_took() -> None:
    story = AssistedStory()
    story.says("Hello")
    story.wakes()
    assert actions(rows_of(story)) == {"wamid.1": "awaiting"}
    story.ends(story.asked[-1], text="Hello Ada")
    rows = rows_of(story)
    (reply,) = [one for one in rows["messages"].values() if one.get("handler") == "assistant"]
    assert (reply["model"], reply["tokens_in"], reply["tokens_out"]) == ("gpt-4o-mini", 100, 20)
    (job,) = rows["processing_jobs"].values()
    assert (job["kind"], job["status"], job["attempts"]) == ("answer", "succeeded", 1)
    (call,) = rows["model_calls"].values()
    assert (call["kind"], call["seconds"], call["reused"]) == ("answer", 0.5, False)
    assert actions(rows) == {"wamid.1": "ai_replied"}


def test_words_that_stand_for_an_answer_were_written_by_no_model() -> None:
    story = AssistedStory()
    story.says("Hello")
    story.wakes()
    story.fails(story.asked[-1], "refused")
    rows = rows_of(story)
    (job,) = rows["processing_jobs"].values()
    assert (job["status"], job["error_code"], job["last_error"]) == ("failed", "refused", "refused")
    (reply,) = [one for one in rows["messages"].values() if one.get("handler") == "assistant"]
    assert "model" not in reply
    assert actions(rows) == {"wamid.1": "replied"}


def test_an_answer_that_nobody_wants_any_more_is_discarded_and_what_it_cost_is_kept() -> None:
    story = AssistedStory()
    story.says("Hello")
    story.wakes()
    story.wants(PauseChat(by="ada"))
    story.ends(story.asked[-1])
    rows = rows_of(story)
    (job,) = rows["processing_jobs"].values()
    assert job["status"] == "discarded"
    assert len(rows["model_calls"]) == 1
    assert [one for one in rows["messages"].values() if one.get("handler")] == []


def test_a_file_is_kept_with_what_was_found_in_it() -> None:
    story = AssistedStory()
    story.sends_file(MessageKind.VOICE)
    story.ends(story.files[-1])
    story.ends(story.files[-1], text="See you at eight")
    rows = rows_of(story)
    (message,) = rows["messages"].values()
    assert (message["media_key"], message["media_mime"]) == ("acme/00/00", "audio/ogg")
    assert message["media_transcript"] == "See you at eight"
    kinds = {one["kind"]: one["status"] for one in rows["processing_jobs"].values()}
    assert kinds == {"store": "succeeded", "transcribe": "succeeded"}


def test_a_job_waits_fails_and_is_done_again_by_who_asked() -> None:
    story = AssistedStory()
    story.sends_file(MessageKind.DOCUMENT)
    seen = []
    while seen[-1:] != ["failed"]:
        order = story.files[-1]
        assert order.attempt == len(seen) + 1
        story.fails(order, error_message="no answer")
        job = rows_of(story)["processing_jobs"][order.job_id,]
        seen.append(job["status"])
        while job["status"] == "waiting" and story.files[-1] is order:
            assert job["next_attempt_at"] > webhooks.T0
            story.wakes()
    assert seen == ["waiting"] * (len(seen) - 1) + ["failed"]
    assert job["last_error"] == "service_down: no answer"
    assert "next_attempt_at" not in job
    failures = [attempt for name, attempt in rows_of(story)["job_failures"] if name == order.job_id]
    assert sorted(failures) == list(range(1, len(seen) + 1))
    story.wants(RetryJob(job_id=order.job_id, by="ada"))
    job = rows_of(story)["processing_jobs"][order.job_id,]
    assert (job["status"], job["attempts"]) == ("running", len(seen) + 1)


def test_what_a_conversation_was_about_is_told_of_it_and_of_its_chat() -> None:
    story = AssistedStory()
    story.says("Hello")
    story.wakes()
    story.ends(story.asked[-1])
    story.report()
    story.wants(CloseConversation(by="ada"))
    story.ends(story.summaries[-1], text="Ada said hello")
    rows = rows_of(story)
    (conversation,) = rows["conversations"].values()
    (chat,) = rows["chats"].values()
    assert conversation["conversation_summary"] == "Ada said hello"
    assert chat["last_conversation_summary"] == "Ada said hello"


def test_the_last_summary_of_a_chat_is_that_of_its_latest_conversation() -> None:
    """The model may be done with a later conversation before it is with an earlier one."""
    story = AssistedStory()
    for words in ("Hello", "Hello again"):
        story.says(words)
        story.wakes()
        story.ends(story.asked[-1], text="Hello.")
        story.report()
        story.operator_closes()
    earlier, later = story.summaries
    story.ends(later, text="Greetings.")
    story.ends(earlier, text="First words.")
    rows = rows_of(story)
    assert rows["chats"][CHAT,]["last_conversation_summary"] == "Greetings."
    summaries = [one["conversation_summary"] for one in rows["conversations"].values()]
    assert sorted(summaries) == ["First words.", "Greetings."]
