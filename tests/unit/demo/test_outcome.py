"""What makes the demo say that something is wrong."""

from chatfold.demo import outcome
from chatfold.demo.assisted import Talked
from chatfold.demo.expected import Expected
from chatfold.demo.outcome import Outcome
from chatfold.demo.scenes import Seen

NOTHING_WRONG = Outcome(
    webhooks_posted=1,
    webhooks_accepted=1,
    webhooks_refused={},
    messages_in=1,
    duplicates=0,
    left_to_humans=0,
    sent_by_programs=0,
    replies_sent=1,
    replies_received_by_sandbox=1,
    replies_received_by_provider={"telegram": 1},
    rows={},
    views=1,
    e2e_ms={},
    missing=[],
    doubled=[],
)
COUNTS = dict.fromkeys(
    (
        "files_stored",
        "transcribed",
        "documents_read",
        "pictures_described",
        "ai_replies",
        "summaries",
        "takeovers",
    ),
    0,
)


def test_a_scene_that_went_as_it_must_leaves_nothing_missing():
    seen = {"retry": Seen(attempts=["sent"], received={"telegram": 1}, as_expected=True)}
    told = outcome.with_scenes(NOTHING_WRONG, seen)
    assert (told.scenes, told.missing) == (seen, [])


def test_a_scene_that_went_otherwise_is_missing():
    seen = {"retry": Seen(attempts=["failed"], received={}, as_expected=False)}
    assert outcome.with_scenes(NOTHING_WRONG, seen).missing == ["retry: not as it must be"]


def test_an_answer_that_was_not_as_it_must_be_is_missing():
    told = outcome.with_surprises(NOTHING_WRONG, ["telegram: 503 instead of 200"])
    assert told.missing == ["telegram: 503 instead of 200"]


def test_a_conversation_that_went_otherwise_is_missing():
    talked = {"takeover": Talked(steps=["NOT taken over"], as_expected=False)}
    told = outcome.with_talks(NOTHING_WRONG, talked)
    assert (told.conversations, told.missing) == (talked, ["takeover: not as it must be"])


def test_a_job_that_has_not_succeeded_is_missing():
    jobs = {"succeeded": 3, "running": 1, "failed": 2}
    assert outcome.not_found(Expected(), COUNTS, jobs) == ["jobs running: 1", "jobs failed: 2"]


def test_what_was_not_found_in_files_is_missing_and_so_is_what_was_found_twice():
    wanted = Expected()
    wanted.found.update(transcribed=1, ai_replies=2)
    found = COUNTS | {"ai_replies": 3}
    assert outcome.not_found(wanted, found, {}) == [
        "transcribed: 0 instead of 1",
        "ai replies: 3 instead of 2",
    ]
