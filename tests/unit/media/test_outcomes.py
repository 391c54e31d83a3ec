"""What an attempt at a job on a file came to, in the words of the log."""

from datetime import UTC, datetime

import pytest

from providers.failures import FailureCode, SendFailure, Unknown
from schemas import codec
from schemas.content import JobKind, Media, MessageKind, StoredMedia, Usage
from schemas.job_failures import MEANINGS, JobFailureCode
from schemas.work import ProcessMedia
from streams.media import checks, failures, instructions, paying, reports, texts
from streams.media.failures import Failed, failed
from streams.media.reports import Found
from streams.ports import ModelFailure, NotConnected, Unanswered, Understood, Unreadable, Unsafe

AT = datetime(2026, 11, 28, tzinfo=UTC)
USAGE = Usage(model="m", seconds=1.5, tokens_in=10, tokens_out=2, cost_micros=7)


def job(name: str = "j", attempt: int = 1, **told) -> ProcessMedia:
    return ProcessMedia(
        job_id=name,
        attempt=attempt,
        kind=JobKind.TRANSCRIBE,
        message_id="m",
        message_kind=MessageKind.VOICE,
        provider="telegram",
        account="12",
        media=Media(reference="r", **told),
    )


def test_every_refusal_of_a_provider_and_every_silence_has_its_failure():
    assert set(failures.OF_PROVIDER) == set(FailureCode)
    assert set(failures.OF_SILENCE) == set(Unknown)


@pytest.mark.parametrize(
    ("why", "code"),
    [
        (SendFailure(code=FailureCode.THROTTLED, http_status=429, detail="d"), "throttled"),
        (NotConnected("d"), "unreachable"),
        (Unanswered(Unknown.TIMEOUT, "d"), "timed_out"),
        (Unsafe("d"), "unsafe_address"),
        (Unreadable(JobFailureCode.ENCRYPTED, "d"), "encrypted"),
        (ModelFailure(JobFailureCode.QUOTA_EXHAUSTED, "d"), "quota_exhausted"),
    ],
)
def test_whatever_prevents_a_job_is_told_with_its_code(why, code):
    told = failed(why)
    assert (told.code, told.detail) == (code, "d")
    assert told.retryable is MEANINGS[told.code].retryable


def test_what_was_paid_in_vain_is_told_too():
    why = ModelFailure(JobFailureCode.MALFORMED_ANSWER, "cut", 3.0, USAGE)
    report = reports.reported(job(), failed(why), started_at=AT, finished_at=AT)
    assert (report.usage, report.retryable, report.retry_after_seconds) == (USAGE, True, 3.0)


def test_a_report_shows_no_secret_and_nothing_that_a_store_refuses():
    ended = Failed(JobFailureCode.REFUSED, "token s3cr3t\x00 \ud83d is wrong" + "x" * 5_000)
    report = reports.reported(job(), ended, started_at=AT, finished_at=AT, secrets=["s3cr3t", ""])
    assert "s3cr3t" not in str(report.error_message)
    assert str(report.error_message).startswith("token *** \N{REPLACEMENT CHARACTER} is wrong")
    assert len(str(report.error_message)) == reports.LONGEST_DETAIL
    found = Found(text="a\x00b\ud83d")
    report = reports.reported(job(), found, started_at=AT, finished_at=AT)
    assert report.text == "ab\N{REPLACEMENT CHARACTER}"
    codec.dumps(report)


def test_a_text_without_end_is_cut_and_says_so():
    whole = "x" * texts.LONGEST_TEXT
    assert texts.storable(whole) == whole
    cut = texts.storable(whole + "y")
    assert (len(cut), cut[-3:]) == (texts.LONGEST_TEXT, "[…]")


def test_what_was_seen_stands_for_a_pages_own_text_in_its_place():
    assert texts.whole(["one", "", " three ", ""], {1: "two", 3: " "}) == "one\n\ntwo\n\nthree"


def test_what_is_not_announced_as_it_came_is_not_kept():
    right = "ab" * 32
    assert checks.came(Media(reference="r"), 5, right, 5) is None
    assert checks.came(Media(reference="r", sha256=right.upper()), 5, right, 5) is None
    wrong = checks.came(Media(reference="r", sha256="cd" * 32), 5, right, 5)
    assert wrong is not None
    assert wrong.code is JobFailureCode.CORRUPT
    for size, code in ((0, JobFailureCode.EMPTY), (6, JobFailureCode.TOO_LARGE)):
        refused = checks.came(Media(reference="r"), size, right, 5)
        assert refused is not None
        assert refused.code is code
    assert checks.announced(Media(reference="r", size=5), 5) is None
    assert checks.announced(Media(reference="r", size=6), 5) is not None


def effect(**changed) -> str:
    told = {"kind": JobKind.TRANSCRIBE, "tenant": "a", "sha256": "s", "asked": ("m", "u")}
    told |= changed
    return paying.effect_id(told.pop("kind"), **told)


def test_only_the_same_asked_of_the_same_bytes_for_the_same_tenant_is_the_same():
    others = [
        effect(kind=JobKind.DESCRIBE),
        effect(tenant="b"),
        effect(sha256="t"),
        effect(asked=("n", "u")),
        effect(asked=("m", "v")),
        effect(asked=("m", "u", "page 1")),
    ]
    assert effect() == effect()
    assert len({effect(), *others}) == 7


def test_who_finds_an_answer_pays_nothing_and_who_paid_tells_it_again():
    noted = paying.noted(Understood("hello\x00", USAGE, "en"), job("one"))
    assert paying.found(noted, job("one")) == Understood("hello", USAGE, "en")
    for other in (job("two"), job("one", attempt=2)):
        usage = paying.found(noted, other).usage
        assert (usage.reused, usage.tokens_in, usage.cost_micros) == (True, None, None)


def test_costs_are_summed_and_free_only_if_all_of_it_was():
    free = Usage(model="m", seconds=0.0, reused=True)
    assert paying.summed([]) is None
    both = paying.summed([USAGE, free, USAGE])
    assert both == Usage(model="m", seconds=3.0, tokens_in=20, tokens_out=4, cost_micros=14)
    assert paying.summed([free, free]) == free


@pytest.mark.parametrize(
    ("mime", "name"), [("audio/mp4", "recording.m4a"), ("audio/x-odd", "recording.x-odd")]
)
def test_a_recording_has_a_name_by_which_services_know_it(mime, name):
    assert instructions.file_name(mime) == name


def test_a_stored_file_is_told():
    stored = StoredMedia(key="k", sha256="s", mime="image/png", size=1)
    report = reports.reported(job(), Found(stored=stored), started_at=AT, finished_at=AT)
    assert (report.stored, report.error_code, report.retryable) == (stored, None, False)
