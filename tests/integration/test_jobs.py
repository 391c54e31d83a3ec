"""Jobs as operators see them and have them done again, on real servers."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from chatfold import clock
from chatfold.cli.everything import app
from chatfold.settings import Settings
from schemas import codec, envelope, identity
from schemas.content import JobKind, StoredMedia
from schemas.envelope import Recorded
from schemas.facts import JobAbandoned, JobRetryRequested, MediaJobRequested
from schemas.inputs import JobReported, RetryJob
from schemas.topics import Topics
from tests.support import facts, kafka, oracle, projecting, servers, webhooks
from tests.support.filled import fill
from tests.support.operating import Client, pipeline, recorded, run, serving_api, until

CHAT = identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=webhooks.USER)
FILES = {JobKind.STORE, JobKind.TRANSCRIBE, JobKind.EXTRACT, JobKind.DESCRIBE}


def document(wamid: str) -> dict:
    held = {"id": "900800", "mime_type": "application/pdf", "filename": "invoice.pdf"}
    return webhooks.text("", wamid=wamid) | {"type": "document", "document": held, "text": None}


def reported(job_id: str, attempt: int, **ended: object) -> Recorded[JobReported]:
    told = JobReported(
        job_id=job_id,
        attempt=attempt,
        started_at=clock.now(),
        finished_at=clock.now(),
        **ended,
    )
    own_id = identity.job_report_id(job=job_id, attempt=attempt)
    return Recorded(
        id=own_id,
        time=clock.now(),
        source="/chatfold/agent/media",
        tenant=webhooks.TENANT,
        chat_id=CHAT,
        causation_id=own_id,
        correlation_id=own_id,
        data=told,
    )


async def failed_job(settings: Settings) -> str:
    """A person sends a file that its provider does not have any more; the id of the job."""
    said = webhooks.body(document("wamid.1"))
    await kafka.produce_inputs(settings, webhooks.inputs(said, at=clock.now()))

    async def requested():
        return await recorded(settings, MediaJobRequested)

    (job,) = await until(requested, "the job")
    failed = {"error_code": "media_unavailable", "error_message": "410 Gone", "retryable": False}
    await kafka.produce_inputs(settings, [reported(job.job_id, 1, **failed)])
    return job.job_id


async def with_status(alice: Client, job_id: str, status: str) -> dict:
    """The job, once the tables know it so."""

    async def shown():
        answer, told, _ = await alice.ask("GET", f"/v1/jobs/{job_id}")
        return told if answer == 200 and told["status"] == status else None

    return await until(shown, f"job {job_id} to be {status}")


async def test_a_failed_job_is_seen_asked_for_again_and_done(settings, tmp_path):
    async with pipeline(settings, tmp_path) as alice:
        job_id = await failed_job(settings)
        shown = await with_status(alice, job_id, "failed")
        assert (shown["kind"], shown["preview"]) == ("store", "invoice.pdf")
        assert shown["last_error"] == "media_unavailable: 410 Gone"
        (attempt,) = shown["attempts_made"]
        assert (attempt["attempt"], attempt["error_message"]) == (1, "410 Gone")
        assert await run(settings, "jobs", "show", job_id) == shown
        listed = await run(settings, "jobs", "list", "--status", "failed", "--kind", "store")
        assert listed == await alice.get("/v1/jobs?status=failed&kind=store")
        assert (await recorded(settings, JobAbandoned))[0].job_id == job_id

        told = await alice.post(f"/v1/jobs/{job_id}/retry")
        assert told["job_id"] == job_id
        await with_status(alice, job_id, "running")
        stored = StoredMedia(key="ab/cd", sha256="abcd", mime="application/pdf", size=4_096)
        await kafka.produce_inputs(settings, [reported(job_id, 2, stored=stored)])
        done = await with_status(alice, job_id, "succeeded")
        assert (done["attempts"], done["media_mime"]) == (2, "application/pdf")
        assert await recorded(settings, JobRetryRequested) == [
            JobRetryRequested(job_id=job_id, attempt=2, by="alice")
        ]
        status, problem, _ = await alice.ask("POST", f"/v1/jobs/{job_id}/retry")
        assert (status, problem["detail"]) == (409, "it is succeeded")
        await run(settings, "jobs", "retry", job_id, code=1)
        await run(settings, "jobs", "show", identity.derive("nothing"), code=1)


@pytest.fixture
def log() -> list:
    return projecting.recently(facts.log(21, chats=12, facts=3000))


def jobs_of(log: list) -> list[dict]:
    rows = oracle.tables(log)["processing_jobs"].values()
    return sorted(rows, key=lambda row: (row["created_at"], row["job_id"]), reverse=True)


async def everything(alice: Client, query: str = "", limit: int = 500) -> list[dict]:
    rows, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        told = await alice.get(f"/v1/jobs?limit={limit}&{query}{more}")
        rows, cursor = rows + told["jobs"], told["next_cursor"]
    return rows


async def test_every_job_is_on_one_page_and_a_filter_leaves_what_it_says(settings, log):
    await fill(settings, log)
    async with serving_api(settings) as alice:
        rows = await everything(alice)
        assert [row["job_id"] for row in rows] == [row["job_id"] for row in jobs_of(log)]
        assert await everything(alice, limit=7) == rows
        one = next(row for row in rows if row["error_code"])
        middle = rows[len(rows) // 2]["created_at"]
        filters = {
            f"tenant={one['tenant_id']}": lambda row: row["tenant_id"] == one["tenant_id"],
            "kind=store&kind=answer": lambda row: row["kind"] in {"store", "answer"},
            "status=failed&status=waiting": lambda row: row["status"] in {"failed", "waiting"},
            "status=succeeded&status=discarded": lambda row: (
                row["status"] in {"succeeded", "discarded"}
            ),
            "error_code=throttled": lambda row: row["error_code"] == "throttled",
            f"since={middle}": lambda row: moment(row["created_at"]) >= moment(middle),
            f"until={middle}": lambda row: moment(row["created_at"]) < moment(middle),
        }
        for query, keeps in filters.items():
            found = await everything(alice, query.replace("+", "%2B"), limit=40)
            assert found == [row for row in rows if keeps(row)] != [], query


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def asked(settings: Settings) -> Sequence[Recorded]:
    records = await kafka.read_all(settings, Topics(settings.topic_prefix).inbox)
    return [envelope.decode(codec.INPUTS, value=one.value, headers=one.headers) for one in records]


async def test_all_that_failed_and_match_are_asked_for_once_each_and_no_models_words(settings, log):
    await kafka.prepare(settings, kafka.TENANT)
    await fill(settings, log)
    failed = {one["job_id"] for one in jobs_of(log) if one["status"] == "failed"}
    wanted = {one["job_id"] for one in jobs_of(log) if one["job_id"] in failed and of_file(one)}
    assert 0 < len(wanted) < len(failed)
    counted = await run(settings, "jobs", "retry", "--dry-run")
    assert (counted["matched"], counted["dry_run"]) == (len(wanted), True)
    await run(settings, "jobs", "retry", code=2)  # nobody is there to say yes
    assert await asked(settings) == []
    done = await run(settings, "jobs", "retry", "--since", "1h", "--yes")
    assert (done["matched"], done["next_cursor"]) == (len(wanted), None)
    inputs = await asked(settings)
    assert {one.data.job_id for one in inputs} == wanted
    assert len(inputs) == len(wanted)
    assert {(type(one.data), one.data.by) for one in inputs} == {(RetryJob, "cli:ada")}
    chats = {row["job_id"]: row["chat_id"] for row in jobs_of(log)}
    assert all(one.chat_id == chats[one.data.job_id] for one in inputs)


def of_file(job: dict) -> bool:
    return job["kind"] in FILES


async def test_what_a_model_was_to_say_is_not_asked_again(settings, log):
    await kafka.prepare(settings, kafka.TENANT)
    await fill(settings, log)
    answer = next(one for one in jobs_of(log) if one["kind"] == "answer")
    env = servers.environment(settings) | {"COLUMNS": "200"}
    arguments = ["jobs", "retry", answer["job_id"]]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)
    assert done.exit_code == 1
    assert "what a model was to answer is late by now" in done.stderr
    assert await asked(settings) == []


async def test_people_are_shown_what_to_do_and_what_it_cost(settings, log):
    await fill(settings, log)
    failed = next(one for one in jobs_of(log) if one["status"] == "failed" and of_file(one))
    env = servers.environment(settings) | {"COLUMNS": "200"}

    async def told(*arguments: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert failed["job_id"] in await told("jobs", "list", "--status", "failed", "--limit", "1000")
    shown = await told("jobs", "show", failed["job_id"])
    assert "Its tries are used up: retry it when the cause is gone." in shown
    called = next(one for one in oracle.tables(log)["model_calls"].values() if not one["reused"])
    assert called["model"] in await told("jobs", "show", called["job_id"])


async def test_status_counts_open_and_failed_jobs_and_tells_what_models_cost(settings, log):
    await kafka.prepare(settings, kafka.TENANT)
    day, half = timedelta(hours=24), len(log) // 2
    log = [replace(one, time=one.time - day) for one in log[:half]] + log[half:]
    await fill(settings, log)
    rows = oracle.tables(log)
    statuses = Counter(row["status"] for row in rows["processing_jobs"].values())
    found = await run(settings, "status")
    open_or_failed = ("running", "waiting", "failed")
    assert found["jobs"] == {name: statuses[name] for name in open_or_failed if statuses[name]}
    recent = [
        row
        for row in rows["model_calls"].values()
        if row["called_at"] > clock.now() - day and not row["reused"]
    ]
    assert 0 < len(recent) < len(rows["model_calls"])
    assert found["models"] == {
        "calls": len(recent),
        "tokens_in": sum(row["tokens_in"] or 0 for row in recent),
        "tokens_out": sum(row["tokens_out"] or 0 for row in recent),
        "cost_micros": sum(row["cost_micros"] or 0 for row in recent),
        "without_price": sum(row["cost_micros"] is None for row in recent),
    }
