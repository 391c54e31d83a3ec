"""What the API answers, and what it puts into the log, without servers."""

import pytest

from chatfold.eventlog import AppendFailed
from chatfold.operations import TablesAway
from schemas import identity
from schemas.content import Content, Media, MessageKind
from schemas.inputs import (
    AutoResume,
    CloseConversation,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    RetryJob,
    SendByHand,
)
from streams.ports import Unavailable
from tests.support.operators import (
    ALICE,
    CHAT,
    EVE,
    FILED,
    NOW,
    Office,
    chat,
    delivery,
    job,
    job_id,
    reply,
)

NOBODY = "99999999-9999-5999-8999-999999999999"
MESSAGES = f"/v1/chats/{CHAT}/messages"
PATHS = [
    ("GET", "/v1/deliveries"),
    ("GET", f"/v1/deliveries/{reply(1)}"),
    ("POST", f"/v1/deliveries/{reply(1)}/retry"),
    ("POST", "/v1/deliveries/retry"),
    ("GET", "/v1/chats"),
    ("GET", f"/v1/chats/{CHAT}"),
    ("POST", MESSAGES),
    ("POST", f"/v1/chats/{CHAT}/pause"),
    ("POST", f"/v1/chats/{CHAT}/resume"),
    ("POST", f"/v1/chats/{CHAT}/close"),
    ("POST", "/cron/auto-resume"),
    ("GET", "/v1/jobs"),
    ("GET", f"/v1/jobs/{job_id(1)}"),
    ("POST", f"/v1/jobs/{job_id(1)}/retry"),
    ("POST", "/v1/jobs/retry"),
    ("GET", "/v1/search?q=invoice"),
    ("GET", f"/v1/messages/{FILED}/file"),
]


def office(*deliveries, paused=(), jobs=()) -> Office:
    return Office(deliveries or [delivery(1)], [chat()], paused, jobs or [job(1)])


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_nobody_without_a_token_sees_or_does_anything(method, path):
    here = office()
    for headers in ({}, {"authorization": "Bearer wrong"}):
        status, told, problem = await here.ask(method, path, headers=headers)
        assert (status, told["www-authenticate"]) == (401, "Bearer")
        assert told["content-type"] == "application/problem+json"
        assert problem["type"] == "urn:chatfold:problem:unauthenticated"
    assert here.inputs == []


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_viewer_looks_and_does_not_act(method, path):
    here = office()
    status, _, told = await here.ask(method, path, headers=EVE)
    if method == "GET":
        assert status == 200
    else:
        assert (status, told["detail"]) == (403, "the token of eve may look and not act")
    assert here.inputs == []


async def test_deliveries_are_paged_without_a_gap_while_others_are_added():
    here = office(*(delivery(number) for number in range(1, 8)))
    seen, path = [], "/v1/deliveries?limit=3"
    while path:
        _, _, told = await here.get(path)
        seen += [one["reply_id"] for one in told["deliveries"]]
        here.lists.rows.insert(0, delivery(-len(seen)))
        path = told["next_cursor"] and f"/v1/deliveries?limit=3&cursor={told['next_cursor']}"
    assert seen == [reply(number) for number in range(1, 8)]


async def test_a_filter_is_read_from_the_query():
    here = office()
    status, _, _ = await here.get(
        f"/v1/deliveries?tenant=acme&chat_id={CHAT}&status=failed&status=saved_only"
        "&provider=whapi&account=1&error_code=x&waiting_for=retry"
        "&since=2026-11-21T10:00:00%2B01:00&until=2026-11-22T00:00:00Z"
    )
    assert status == 200
    (wanted,) = here.lists.asked
    assert (wanted.tenant, wanted.chat_id, wanted.provider) == ("acme", CHAT, "whapi")
    assert (list(wanted.statuses), list(wanted.waiting_for)) == (
        ["failed", "saved_only"],
        ["retry"],
    )
    assert (wanted.account, wanted.error_code) == ("1", "x")
    assert wanted.since.isoformat() == "2026-11-21T09:00:00+00:00"
    assert wanted.until.isoformat() == "2026-11-22T00:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status.0"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("tenant=a&tenant=b", "tenant"),
        ("tenant=a%00", "tenant"),
        ("chat_id=1", "chat_id"),
        ("since=2026-11-21", "since"),
        ("since=2026-11-21T10:00:00", "since"),
        ("since=0001-01-01T00:00:00Z", "since"),
        ("cursor=x", "cursor"),
        ("cursor=bnVsbA", "cursor"),
        ("cursor=%F0%9F%98%80", "cursor"),
        ("colour=red", "colour"),
    ],
)
async def test_a_wrong_parameter_is_named(query, field):
    status, _, told = await office().get(f"/v1/deliveries?{query}")
    assert (status, told["type"]) == (422, "urn:chatfold:problem:invalid-request")
    assert [one["field"] for one in told["errors"]] == [field]


async def test_a_delivery_is_shown_and_an_unknown_one_is_not_found():
    here = office()
    status, _, told = await here.get(f"/v1/deliveries/{reply(1)}")
    assert (status, told["reply_id"], told["attempts"]) == (200, reply(1), [])
    status, _, told = await here.get(f"/v1/deliveries/{NOBODY}")
    assert (status, told["detail"]) == (404, f"the tables know no delivery {NOBODY}, or not yet")


async def test_a_retry_is_in_the_log_with_who_asked_before_it_is_accepted():
    here = office()
    status, _, told = await here.post(f"/v1/deliveries/{reply(1)}/retry")
    (one,) = here.inputs
    assert status == 202
    assert told == {"input_id": one.id, "chat_id": CHAT, "reply_id": reply(1), "job_id": None}
    assert one.data == RetryDelivery(reply_id=reply(1), by="alice")
    assert (one.source, one.tenant, one.chat_id, one.time) == ("/chatfold/api", "acme", CHAT, NOW)
    assert one.causation_id == one.correlation_id == one.id


@pytest.mark.parametrize(
    ("status", "reason"),
    [("read", "it is read"), ("pending", "it is on its way, or the tables")],
)
async def test_what_waits_for_nothing_is_not_retried(status, reason):
    here = office(delivery(1, status=status, waiting_for=None))
    answer, _, told = await here.post(f"/v1/deliveries/{reply(1)}/retry")
    assert (answer, told["type"]) == (409, "urn:chatfold:problem:not-retryable")
    assert told["detail"].startswith(reason)
    assert here.inputs == []


async def test_all_that_match_are_retried_up_to_the_limit_and_the_rest_can_follow():
    here = office(*(delivery(number) for number in range(1, 1301)))
    status, _, told = await here.post("/v1/deliveries/retry", {"limit": 1200})
    assert (status, told["matched"], told["dry_run"]) == (202, 1200, False)
    following = {"cursor": told["next_cursor"]}
    _, _, told = await here.post("/v1/deliveries/retry", following)
    assert (told["matched"], told["next_cursor"]) == (100, None)
    asked = [one.data.reply_id for one in here.inputs]
    assert asked == [reply(number) for number in range(1, 1301)]


async def test_unless_it_is_named_nothing_is_retried_that_may_have_arrived():
    here = office()
    await here.post("/v1/deliveries/retry", {"tenant": "acme"})
    await here.post("/v1/deliveries/retry", {"status": ["saved_only"]})
    assert [list(wanted.statuses) for wanted in here.lists.asked] == [["failed"], ["saved_only"]]
    assert all(set(wanted.waiting_for) == {"retry", "operator"} for wanted in here.lists.asked)


async def test_a_dry_run_counts_and_does_nothing():
    here = office(delivery(1), delivery(2, status="saved_only"))
    _, _, told = await here.post("/v1/deliveries/retry", {"dry_run": True})
    assert told == {"matched": 2, "unconfirmed": 1, "dry_run": True, "next_cursor": None}
    assert here.inputs == []


async def test_jobs_are_listed_by_what_is_wanted_and_paged():
    here = office(jobs=[job(number, kind="store") for number in range(1, 6)])
    path = f"/v1/jobs?tenant=acme&chat_id={CHAT}&kind=store&status=failed&error_code=throttled"
    _, _, told = await here.get(f"{path}&since=2026-11-21T10:00:00Z&limit=3")
    (wanted,) = here.lists.asked
    assert (wanted.tenant, wanted.chat_id, wanted.error_code) == ("acme", CHAT, "throttled")
    assert (list(wanted.kinds), list(wanted.statuses)) == (["store"], ["failed"])
    _, _, rest = await here.get(f"/v1/jobs?limit=3&cursor={told['next_cursor']}")
    seen = [one["job_id"] for one in (*told["jobs"], *rest["jobs"])]
    assert seen == [job_id(number) for number in range(1, 6)]


async def test_a_job_about_a_file_is_asked_for_again_by_who_asked():
    here = office()
    status, _, told = await here.post(f"/v1/jobs/{job_id(1)}/retry")
    (one,) = here.inputs
    assert status == 202
    assert told == {"input_id": one.id, "chat_id": CHAT, "reply_id": None, "job_id": job_id(1)}
    assert one.data == RetryJob(job_id=job_id(1), by="alice")
    assert (one.source, one.tenant, one.chat_id) == ("/chatfold/api", "acme", CHAT)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"kind": "answer"}, "what a model was to answer is late by now"),
        ({"kind": "summarise"}, "what a model was to summarise is late by now"),
        ({"status": "succeeded"}, "it is succeeded"),
        ({"status": "running"}, "it is on its way"),
    ],
)
async def test_a_job_that_cannot_be_done_again_is_not_asked_for(columns, reason):
    here = office(jobs=[job(1, **columns)])
    status, _, told = await here.post(f"/v1/jobs/{job_id(1)}/retry")
    assert (status, told["detail"]) == (409, reason)
    assert told["type"] == "urn:chatfold:problem:not-retryable"
    assert here.inputs == []


async def test_of_all_jobs_only_those_about_files_that_failed_are_asked_for():
    kinds = ("store", "transcribe", "extract", "describe", "answer", "summarise", "ask")
    jobs = [job(number, kind=kind) for number, kind in enumerate(kinds)]
    jobs.append(job(10, status="waiting"))
    here = office(jobs=jobs)
    _, _, told = await here.post("/v1/jobs/retry", {"dry_run": True})
    assert told == {"matched": 4, "unconfirmed": 0, "dry_run": True, "next_cursor": None}
    assert here.inputs == []
    await here.post("/v1/jobs/retry", {})
    assert {one.data.job_id for one in here.inputs} == {job_id(number) for number in range(4)}
    assert (await here.post("/v1/jobs/retry", {"kind": ["answer"]}))[0] == 422


async def test_words_are_looked_for_where_it_is_said():
    here = office()
    _, _, told = await here.get(f"/v1/search?q=invoice%20-draft&tenant=acme&chat_id={CHAT}&limit=5")
    (sought,) = here.lists.asked
    assert (sought.words, sought.tenant, sought.chat_id) == ("invoice -draft", "acme", CHAT)
    assert told["hits"][0]["found"][0]["field"] == "transcript"
    for query in ("", "q=", f"q={'x' * 501}", "q=a&limit=101"):
        assert (await here.get(f"/v1/search?{query}"))[0] == 422


async def test_a_message_by_hand_tells_the_delivery_it_will_be():
    here = office()
    status, _, told = await here.post(MESSAGES, {"text": "Hello", "reply_to": "wamid.1"})
    (one,) = here.inputs
    assert status == 202
    assert one.data == SendByHand(
        content=Content(kind=MessageKind.TEXT, text="Hello"), by="alice", reply_to="wamid.1"
    )
    assert told["reply_id"] == identity.reply_id(one.id, 0)


async def test_a_file_can_be_sent():
    here = office()
    file = {"kind": "image", "reference": "https://a/b.png", "caption": "Look", "name": "b.png"}
    await here.post(MESSAGES, {"file": file})
    assert here.inputs[0].data.content == Content(
        kind=MessageKind.IMAGE,
        media=Media(reference="https://a/b.png", file_name="b.png"),
        caption="Look",
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"text": ""},
        {"text": " \n"},
        {"text": "a\0"},
        {"text": "x" * 16_385},
        {"text": "a", "file": {"kind": "image", "reference": "b"}},
        {"file": {"kind": "order", "reference": "b"}},
        {"text": "a", "by": "mallory"},
        {"text": 5},
        [],
        b"{",
        b"\xff",
        b"[" * 1000 + b"]" * 1000,
    ],
)
async def test_what_cannot_be_sent_is_refused(given):
    here = office()
    status, _, told = await here.post(MESSAGES, given)
    assert (status, told["type"]) == (422, "urn:chatfold:problem:invalid-request")
    assert here.inputs == []


async def test_a_body_that_is_too_large_or_not_json_is_refused():
    here = office()
    assert (await here.post(MESSAGES, b" " * 300_000))[0] == 413
    text = ALICE | {"content-type": "text/plain"}
    assert (await here.post(MESSAGES, {"text": "a"}, text))[0] == 415
    assert here.inputs == []


async def test_the_same_key_is_the_same_input_for_the_same_thing_by_the_same_operator():
    here = office()
    keyed = ALICE | {"idempotency-key": "order 5"}
    bob = keyed | {"authorization": "Bearer bob's long secret"}
    for headers in (keyed, keyed, bob):
        await here.post(MESSAGES, {"text": "Hello"}, headers)
    await here.post(f"/v1/chats/{CHAT}/close", None, keyed)
    first, again, bobs, close = (one.id for one in here.inputs)
    assert first == again
    assert len({first, bobs, close}) == 3


async def test_a_key_covers_each_delivery_of_a_bulk_by_itself():
    here = office(delivery(1), delivery(2))
    keyed = ALICE | {"idempotency-key": "after the outage"}
    await here.post("/v1/deliveries/retry", {}, keyed)
    await here.post("/v1/deliveries/retry", {}, keyed)
    ids = [one.id for one in here.inputs]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("key", ["", "x" * 256, "ä"])
async def test_a_wrong_key_is_refused(key):
    status, _, told = await office().post(MESSAGES, {"text": "a"}, ALICE | {"idempotency-key": key})
    assert (status, told["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("action", "expected"),
    [("pause", PauseChat), ("resume", ResumeChat), ("close", CloseConversation)],
)
async def test_a_chat_is_paused_resumed_and_closed(action, expected):
    here = office()
    status, _, told = await here.post(f"/v1/chats/{CHAT}/{action}")
    assert (status, told["chat_id"], told["reply_id"]) == (202, CHAT, None)
    assert [one.data for one in here.inputs] == [expected(by="alice")]
    status, _, told = await here.post(f"/v1/chats/{NOBODY}/{action}")
    assert (status, told["detail"]) == (404, f"the tables know no chat {NOBODY}, or not yet")
    assert (await here.post(f"/v1/chats/{CHAT}/{action}", {"by": "x"}))[0] == 422
    assert len(here.inputs) == 1


async def test_every_paused_chat_is_looked_at_once_and_in_bounds():
    paused = [
        {"tenant_id": f"t{number // 700}", "chat_id": f"33333333-3333-5333-8333-{number:012d}"}
        for number in range(1400)
    ]
    here = office(paused=paused)
    status, _, told = await here.post("/cron/auto-resume")
    assert (status, told) == (202, {"looked_at": 1400})
    assert {one.data for one in here.inputs} == {AutoResume(by="alice")}
    assert [(one.tenant, one.chat_id) for one in here.inputs] == [
        (one["tenant_id"], one["chat_id"]) for one in paused
    ]
    _, _, told = await here.post("/cron/auto-resume?limit=600")
    assert told == {"looked_at": 600}


async def test_while_kafka_is_away_nothing_is_accepted_and_the_client_is_told_to_come_back():
    here = office()
    here.log.refusal = "no acknowledgement in time"
    for path, given in ((MESSAGES, {"text": "a"}), ("/v1/deliveries/retry", {})):
        status, headers, told = await here.post(path, given)
        assert (status, headers["retry-after"]) == (503, "5")
        assert told["type"] == "urn:chatfold:problem:log-unavailable"
        assert "Idempotency-Key" in told["detail"]
    assert told["asked"] == 0


async def test_a_bulk_that_is_cut_off_tells_how_far_it_came():
    here = office(*(delivery(number) for number in range(1, 1301)))

    class CutOff(type(here.log)):
        async def append(self, topic, records, timeout):
            if self.records:
                raise AppendFailed("gone")
            await super().append(topic, records, timeout)

    here.log.__class__ = CutOff
    status, _, told = await here.post("/v1/deliveries/retry", {})
    assert (status, told["asked"]) == (503, 500)


async def test_while_the_tables_are_away_the_client_is_told_to_come_back():
    here = office()
    here.lists.away = TablesAway("PostgreSQL cannot be used; see DATABASE_URL.")
    for method, path in PATHS:
        given = {"text": "a"} if path == MESSAGES else None
        status, headers, told = await here.ask(method, path, given)
        assert (status, headers["retry-after"]) == (503, "5"), path
        assert told["type"] == "urn:chatfold:problem:tables-unavailable"


async def test_a_bug_is_a_problem_that_tells_nothing_of_the_inside(caplog):
    here = office(delivery(1, status="unheard of"))
    status, _, told = await here.get("/v1/deliveries")
    assert (status, told["detail"]) == (500, "a bug: the log of the role has it")
    assert "listDeliveries failed" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v2", 404),
        ("GET", "/v1/deliveries/", 404),
        ("GET", "/v1/deliveries/x", 404),
        ("DELETE", "/v1/deliveries", 405),
        ("GET", "/cron/auto-resume", 405),
    ],
)
async def test_what_is_not_there_is_a_problem_too(method, path, expected):
    status, headers, told = await office().ask(method, path)
    assert (status, headers["content-type"]) == (expected, "application/problem+json")
    assert ("allow" in headers) == (expected == 405)
    assert told["status"] == expected


async def test_health_needs_no_token():
    here = office()
    assert (await here.get("/healthz", {}))[0] == 200
    assert (await here.get("/readyz", {}))[0] == 200
    assert (await here.get("/", {}))[2]["role"] == "api"
    here.reasons = ["Kafka does not answer"]
    assert (await here.get("/readyz", {}))[0] == 503


async def test_links_to_a_file_hold_for_as_long_as_was_asked():
    _, _, told = await office().get(f"/v1/messages/{FILED}/file?seconds=60")
    assert told["url"] == "https://files.test/acme/aa?for=60"
    assert told["thumbnail_url"] == "https://files.test/acme/bb?for=60"
    assert told["expires_at"] == "2026-11-21T12:01:00Z"


async def test_there_is_no_link_to_what_is_not_kept_nor_for_longer_than_a_signature_holds():
    status, _, problem = await office().get(f"/v1/messages/{NOBODY}/file")
    assert (status, problem["type"]) == (404, "urn:chatfold:problem:not-found")
    status, _, problem = await office().get(f"/v1/messages/{FILED}/file?seconds=604801")
    assert (status, problem["errors"][0]["field"]) == (422, "seconds")


async def test_a_storage_that_is_away_is_told():
    here = office()
    here.storage.failure = Unavailable("no credentials")
    status, told, problem = await here.get(f"/v1/messages/{FILED}/file")
    assert (status, problem["type"]) == (503, "urn:chatfold:problem:storage-unavailable")
    assert told["retry-after"] == "5"
