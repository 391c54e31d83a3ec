"""Files are stored and read; what fails is tried again, given up, and retried by hand."""

from datetime import timedelta

import pytest

from schemas.content import JobKind, MessageKind, Origin
from schemas.facts import (
    CommandRefused,
    JobAbandoned,
    JobFailed,
    JobRetryRequested,
    JobRetryScheduled,
    JobRetryStarted,
    MediaDescribed,
    MediaJobRequested,
    MediaStored,
    MediaTextExtracted,
    MediaTranscribed,
    ModelCalled,
)
from schemas.inputs import RetryJob, Timer
from schemas.work import ProcessMedia
from streams.decide import snapshot
from streams.decide.policy import MediaPolicy
from streams.decide.timers import next_due
from tests.support.assisted import USAGE, AssistedStory, stored
from tests.support.story import kinds, one
from tests.support.story import policy as echo_policy


def files_only(**media: object) -> AssistedStory:
    """A tenant that echoes, and keeps files."""
    return AssistedStory(echo_policy(media=MediaPolicy(**media)))


def test_a_message_with_a_file_has_it_stored():
    story = files_only()
    decision = story.sends_file()
    asked = one(decision, MediaJobRequested)
    assert (asked.kind, asked.stored, asked.media.reference) == (JobKind.STORE, None, "file.1")
    (order,) = [order for order in decision.orders if isinstance(order, ProcessMedia)]
    assert (order.job_id, order.attempt, order.kind) == (asked.job_id, 1, JobKind.STORE)
    assert (order.provider, order.account) == (asked.provider, asked.account)


def test_where_the_tenant_keeps_no_files_none_is_asked_for():
    story = AssistedStory(echo_policy())
    story.sends_file()
    assert story.files == []
    assert story.state.jobs is None


def test_a_message_of_words_leads_to_no_job():
    story = files_only()
    story.says("Hello")
    assert story.files == []
    assert (story.state.jobs, story.state.assisted) == (None, None)


@pytest.mark.parametrize("by", [{"from_human": True}, {"is_own": True}, {"is_group": True}])
def test_files_of_the_business_and_of_groups_are_kept_too(by):
    story = files_only()
    story.sends_file(**by)
    assert [order.kind for order in story.files] == [JobKind.STORE]


def test_a_file_that_was_brought_in_from_before_is_not_fetched():
    story = files_only()
    story.sends_file(is_history=True)
    assert story.files == []


@pytest.mark.parametrize(
    ("kind", "mime", "reads"),
    [
        (MessageKind.VOICE, "audio/ogg", [JobKind.TRANSCRIBE]),
        (MessageKind.VOICE, "application/ogg", [JobKind.TRANSCRIBE]),
        (MessageKind.AUDIO, "video/mp4", [JobKind.TRANSCRIBE]),
        (MessageKind.VOICE, "text/html", []),
        (MessageKind.VIDEO, "video/mp4", []),
        (MessageKind.DOCUMENT, "application/pdf", [JobKind.EXTRACT]),
        (MessageKind.IMAGE, "application/pdf", [JobKind.EXTRACT]),
        (MessageKind.DOCUMENT, "application/zip", []),
        (MessageKind.IMAGE, "image/png", [JobKind.DESCRIBE]),
        (MessageKind.DOCUMENT, "image/png", [JobKind.DESCRIBE]),
        (MessageKind.STICKER, "image/webp", []),
    ],
)
def test_what_is_read_depends_on_what_the_content_shows(kind, mime, reads):
    story = files_only(transcribes=True, describes=True)
    story.sends_file(kind)
    decision = story.ends(story.files[-1], stored=stored(mime))
    assert one(decision, MediaStored).stored == stored(mime)
    asked = [fact for fact in decision.facts if isinstance(fact, MediaJobRequested)]
    assert [fact.kind for fact in asked] == reads
    assert all(fact.stored == stored(mime) for fact in asked)


def test_what_the_tenant_does_not_want_read_is_not():
    story = files_only(reads_documents=False)
    for kind in (MessageKind.VOICE, MessageKind.DOCUMENT, MessageKind.IMAGE):
        story.sends_file(kind)
        assert kinds(story.ends(story.files[-1])) == ["MediaStored"]


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (MessageKind.VOICE, MediaTranscribed),
        (MessageKind.DOCUMENT, MediaTextExtracted),
        (MessageKind.IMAGE, MediaDescribed),
    ],
)
def test_what_was_found_is_recorded_with_what_it_cost(kind, fact):
    story = files_only(transcribes=True, describes=True)
    story.sends_file(kind)
    message_id = story.files[-1].message_id
    story.ends(story.files[-1])
    decision = story.ends(story.files[-1], text="Grüße", language="de", pages=3, pages_seen=1)
    found = one(decision, fact)
    assert (found.message_id, found.text) == (message_id, "Grüße")
    assert one(decision, ModelCalled).usage == USAGE
    assert story.state.jobs is None


def test_a_recording_in_which_nobody_speaks_has_an_empty_transcript():
    story = files_only(transcribes=True)
    story.sends_file()
    story.ends(story.files[-1])
    assert one(story.ends(story.files[-1], text=""), MediaTranscribed).text == ""


def test_a_file_that_is_said_to_be_stored_and_has_no_place_has_failed():
    story = files_only()
    story.sends_file()
    decision = story.ends(story.files[-1], stored=None)
    assert one(decision, JobAbandoned).error_code == "malformed_answer"


def test_what_may_pass_is_tried_again_after_each_of_the_tenants_waits_and_then_given_up():
    story = files_only(store_retries=(timedelta(seconds=1), timedelta(seconds=8)))
    story.sends_file()
    for wait in (1, 8):
        decision = story.fails(story.files[-1])
        assert one(decision, JobFailed).error_code == "service_down"
        due = one(decision, JobRetryScheduled).due
        assert wait <= (due - story.now).total_seconds() <= wait * 1.1
        assert (due, Timer.JOB) == next_due(story.state, story.policy)
        started = one(story.wakes(), JobRetryStarted)
        assert story.files[-1].attempt == started.attempt
    decision = story.fails(story.files[-1])
    assert kinds(decision) == ["JobFailed", "JobAbandoned"]
    assert [order.attempt for order in story.files] == [1, 2, 3]


def test_what_cannot_pass_is_given_up_at_once():
    story = files_only()
    story.sends_file()
    decision = story.fails(story.files[-1], "too_large")
    assert one(decision, JobAbandoned).error_code == "too_large"
    assert len(story.files) == 1


def test_it_is_not_tried_again_before_the_other_side_wants():
    story = files_only()
    story.sends_file()
    decision = story.fails(story.files[-1], "throttled", retry_after_seconds=600)
    assert one(decision, JobRetryScheduled).due == story.now + timedelta(seconds=600)


def test_jobs_that_failed_together_do_not_come_back_together():
    story = files_only()
    dues = set()
    for _ in range(5):
        story.sends_file()
        dues.add(one(story.fails(story.files[-1]), JobRetryScheduled).due)
    assert len(dues) == 5


def test_whatever_comes_after_the_time_starts_the_next_attempt():
    story = files_only()
    story.sends_file()
    story.fails(story.files[-1])
    story.later(minutes=1)
    assert kinds(story.says("Hello"))[0] == "JobRetryStarted"
    assert story.files[-1].attempt == 2


def test_a_report_that_comes_twice_or_of_an_attempt_that_is_over_changes_nothing():
    story = files_only()
    story.sends_file()
    first = story.files[-1]
    story.fails(first)
    assert story.fails(first).facts == ()
    story.wakes()
    assert story.ends(first).facts == ()
    story.ends(story.files[-1])
    assert story.ends(story.files[-1]).facts == ()


def test_the_same_attempt_is_always_due_at_the_same_time():
    dues = []
    for _ in range(2):
        story = files_only()
        story.sends_file()
        dues.append(one(story.fails(story.files[-1]), JobRetryScheduled).due)
    assert dues[0] == dues[1]


def test_an_operator_has_a_job_done_again_that_was_given_up():
    story = files_only()
    story.sends_file()
    story.fails(story.files[-1], "media_unavailable")
    job_id = story.files[-1].job_id
    decision = story.wants(RetryJob(job_id=job_id, by="ada"))
    again = one(decision, JobRetryRequested)
    assert (again.job_id, again.attempt, again.by) == (job_id, 2, "ada")
    assert story.files[-1].attempt == 2
    assert one(story.ends(story.files[-1]), MediaStored).attempt == 2


def test_a_job_retried_by_hand_may_fail_as_often_as_a_new_one():
    story = files_only(store_retries=(timedelta(seconds=1),))
    story.sends_file()
    story.fails(story.files[-1], "too_large")
    story.wants(RetryJob(job_id=story.files[-1].job_id, by="ada"))
    assert kinds(story.fails(story.files[-1])) == ["JobFailed", "JobRetryScheduled"]


def test_an_operator_need_not_wait_for_the_next_attempt():
    story = files_only()
    story.sends_file()
    story.fails(story.files[-1])
    story.wants(RetryJob(job_id=story.files[-1].job_id, by="ada"))
    assert story.files[-1].attempt == 2
    assert next_due(story.state, story.policy)[1] is not Timer.JOB


def test_a_job_on_its_way_is_not_retried():
    story = files_only()
    story.sends_file()
    refused = one(story.wants(RetryJob(job_id=story.files[-1].job_id, by="ada")), CommandRefused)
    assert (refused.command, refused.reason) == ("RetryJob", "the job is on its way")


@pytest.mark.parametrize("is_done", [True, False])
def test_a_job_that_the_chat_does_not_remember_is_not_retried(is_done):
    story = files_only()
    story.sends_file()
    if is_done:
        story.ends(story.files[-1], stored=stored("application/zip"))
    job_id = story.files[-1].job_id if is_done else "unknown"
    refused = one(story.wants(RetryJob(job_id=job_id, by="ada")), CommandRefused)
    assert refused.reason == "the chat does not remember such a job"


def test_the_last_twenty_that_were_given_up_are_remembered():
    story = files_only()
    for _ in range(25):
        story.sends_file()
        story.fails(story.files[-1], "too_large")
    assert story.state.jobs is not None
    kept = [job.job_id for job in story.state.jobs.given_up]
    assert kept == [order.job_id for order in story.files[-20:]]


def test_a_file_delays_neither_its_own_reply_nor_later_ones():
    story = files_only()
    decision = story.sends_file()
    assert "ReplyGenerated" in kinds(decision)
    story.report()
    assert "ReplyGenerated" in kinds(story.says("Hello"))


def test_an_echo_that_was_held_has_its_file_fetched_by_the_chats_own_account():
    story = files_only()
    story.says("Hello")
    story.sends_file(from_human=True)
    assert story.files == []
    story.report()
    (order,) = story.files
    assert order.account == story.state.address.account
    assert any(getattr(fact, "origin", None) is Origin.HUMAN for fact in story.facts)


def test_a_chat_with_jobs_survives_its_bytes():
    story = files_only(transcribes=True)
    for code in ("too_large", "service_down"):
        story.sends_file()
        story.fails(story.files[-1], code)
    story.sends_file()
    story.ends(story.files[-1])
    due = next_due(story.state, story.policy)
    assert due is not None
    assert due[1] is Timer.JOB
    assert snapshot.decode(snapshot.encode(story.state, due)) == story.state
