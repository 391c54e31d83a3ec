"""What readers find in the tables: queries, `chatfold chats`, views and functions."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from chatfold import clock
from chatfold.cli import chats as command
from chatfold.settings import Settings
from schemas import codec
from schemas.content import Content, MessageKind
from schemas.facts import MessageReceived, ReplyGenerated
from tests.support import facts, oracle, projecting, servers
from tests.support.filled import ask, fill


@pytest.fixture
def log() -> list:
    log = projecting.recently(facts.log(21, chats=12, facts=1200))
    at = max(n for n, one in enumerate(log) if isinstance(one.data, MessageReceived))
    found = Content(kind=MessageKind.TEXT, text="Where is my Überweisung? 100%_[red]\x1b[2J")
    log[at] = replace(log[at], data=replace(log[at].data, content=found))
    return log


@pytest.fixture
def env(settings: Settings, log: list) -> dict[str, str]:
    asyncio.run(fill(settings, log))
    return servers.environment(settings)


def told(env: dict[str, str], *arguments: str) -> list | dict:
    done = CliRunner().invoke(command.app, [*arguments, "--json"], env=env)
    assert done.exit_code == 0, done.stderr
    return codec.loads(done.stdout.encode())


def asked(settings: Settings, statement: str, *values: object) -> list:
    return asyncio.run(ask(settings, statement, *values))


def test_chats_are_listed_latest_first_by_tenant_and_limit(env: dict, log: list) -> None:
    rows = [row for row in oracle.tables(log)["chats"].values() if "merged_into" not in row]
    listed = told(env, "list")
    assert {one["chat_id"] for one in listed} == {row["chat_id"] for row in rows}
    times = [one["last_activity_at"] for one in listed]
    assert times == sorted(times, reverse=True)
    mine = told(env, "list", "--tenant", "tenant-1")
    assert {one["tenant_id"] for one in mine} == {"tenant-1"}
    assert len(told(env, "list", "--limit", "2")) == 2


@pytest.mark.parametrize("words", ["überweisung", '"my überweisung"', "my -nothere überweisung"])
def test_words_of_a_message_find_its_chat(env: dict, words: str) -> None:
    assert len(told(env, "list", "--search", words)) == 1


@pytest.mark.parametrize(
    ("part", "count"), [("491600000007", 1), ("4916%07", 0), ("4916_0000007", 0), ("4916'", 0)]
)
def test_part_of_a_number_finds_the_chat_and_nothing_in_it_is_a_pattern(
    env: dict, part: str, count: int
) -> None:
    assert len(told(env, "list", "--search", part)) == count


def test_a_chat_is_shown_with_its_last_messages_in_order(env: dict, log: list) -> None:
    rows = oracle.tables(log)
    chat = next(iter(rows["chats"].values()))
    shown = told(env, "show", chat["chat_id"], "--limit", "10")
    by_name = f"{chat['tenant_id']}/{chat['platform']}/{chat['platform_user_id']}"
    assert told(env, "show", by_name, "--limit", "10") == shown
    mine = [row for row in rows["messages"].values() if row["chat_id"] == chat["chat_id"]]
    order = {key: row["number"] for (key,), row in rows["conversations"].items()}
    mine.sort(key=lambda row: (order[row["conversation_id"]], row["number"]))
    assert [one["message_id"] for one in shown["messages"]] == [
        row["message_id"] for row in mine[-10:]
    ]


def test_every_id_of_a_person_shows_the_one_chat_with_the_messages_of_all(
    env: dict, log: list
) -> None:
    rows = oracle.tables(log)
    ended = [one for one in rows["chats"].values() if "merged_into" in one]
    with_messages = {row["chat_id"] for row in rows["messages"].values()}
    assert any(one["chat_id"] in with_messages for one in ended)
    for one in ended:
        shown = told(env, "show", one["chat_id"], "--limit", "10000")
        survivor = survivor_of(rows, one["chat_id"])
        assert shown == told(env, "show", survivor, "--limit", "10000")
        assert shown["chat_id"] == survivor
        assert one["platform_user_id"] in shown["also_known_as"]
        mine = [
            row
            for row in rows["messages"].values()
            if survivor_of(rows, row["chat_id"]) == survivor
        ]
        assert {m["message_id"] for m in shown["messages"]} == {row["message_id"] for row in mine}
        times = [m["created_at"] for m in shown["messages"]]
        assert times == sorted(times)


def test_a_merged_chat_is_found_as_the_one_that_goes_on(env: dict, log: list) -> None:
    rows = oracle.tables(log)
    ended = next(one for one in rows["chats"].values() if "merged_into" in one)
    (found,) = told(env, "list", "--search", ended["platform_user_id"])
    assert found["chat_id"] == survivor_of(rows, ended["chat_id"])


def survivor_of(rows: dict, chat_id: str) -> str:
    into = rows["chats"][chat_id,].get("merged_into")
    return chat_id if into is None else survivor_of(rows, into)


def test_what_people_write_cannot_command_the_terminal(env: dict) -> None:
    (chat,) = told(env, "list", "--search", "überweisung")
    done = CliRunner().invoke(command.app, ["show", chat["chat_id"], "--limit", "5000"], env=env)
    assert done.exit_code == 0
    assert "\x1b[2J" not in done.stdout


@pytest.mark.parametrize(
    ("chat", "code"),
    [("00000000-0000-0000-0000-000000000000", 1), ("acme/whatsapp/1", 1), ("x", 2)],
)
def test_an_unknown_chat_has_its_own_exit_code(env: dict, chat: str, code: int) -> None:
    done = CliRunner().invoke(command.app, ["show", chat], env=env)
    assert done.exit_code == code
    assert chat in done.stderr


def test_a_schema_without_tables_says_what_to_do(settings: Settings) -> None:
    done = CliRunner().invoke(command.app, ["list"], env=servers.environment(settings))
    assert done.exit_code == 2
    assert "run `chatfold migrate up`" in done.stderr


def test_views_for_analysts_agree_with_the_log(env: dict, settings: Settings, log: list) -> None:
    rows = oracle.tables(log)
    messages, attempts = rows["messages"].values(), rows["delivery_attempts"].values()
    ways = {id(one): way_of(rows, one) for one in attempts}
    for row in asked(settings, "SELECT * FROM message_statistics"):
        mine = [one for one in messages if one["tenant_id"] == row["tenant_id"]]
        assert row["messages"] == len(mine)
        assert row["inbound"] == sum(one["origin"] == "user" for one in mine)
        assert row["by_human"] == sum(one["origin"] == "human" for one in mine)
    for row in asked(settings, "SELECT * FROM delivery_success"):
        mine = [
            one
            for one in attempts
            if (one["tenant_id"], ways[id(one)], one["started_at"].date())
            == (row["tenant_id"], row["channel"], row["day"])
        ]
        sent = sum(one["outcome"] == "sent" for one in mine)
        assert (row["attempts"], row["sent"]) == (len(mine), sent)
        assert row["success_ratio"] == pytest.approx(sent / len(mine))
    assert asked(settings, "SELECT * FROM duplicate_check") == []
    names = {row["table_name"] for row in asked(settings, "SELECT * FROM table_sizes")}
    assert {*oracle.KEYS, "processing_jobs", "tenants", "effects"} <= names


def test_views_of_jobs_and_of_what_models_cost_agree_with_the_log(
    env: dict, settings: Settings, log: list
) -> None:
    rows = oracle.tables(log)
    calls = list(rows["model_calls"].values())
    paid = [one for one in calls if not one["reused"]]
    found = asked(settings, "SELECT * FROM message_processing_jobs")
    assert {row["job_id"] for row in found} == {key for (key,) in rows["processing_jobs"]}
    for row in found:
        mine = [one for one in paid if one["job_id"] == row["job_id"]]
        assert row["tokens_in"] == summed(mine, "tokens_in")
        assert row["cost_micros"] == summed(mine, "cost_micros")
        assert row["status"] == rows["processing_jobs"][row["job_id"],]["status"]
    costs = asked(settings, "SELECT * FROM model_costs")
    assert len(costs) > 10
    for row in costs:
        name = ("tenant_id", "kind", "model")
        mine = [
            one
            for one in paid
            if all(one[part] == row[part] for part in name)
            and one["called_at"].date() == row["day"]
        ]
        assert row["calls"] == len(mine)
        assert row["tokens_out"] == (summed(mine, "tokens_out") or 0)
        assert row["cost_micros"] == (summed(mine, "cost_micros") or 0)
        assert row["without_price"] == sum(one["cost_micros"] is None for one in mine)
    assert sum(row["calls"] + row["reused"] for row in costs) == len(calls)


def summed(calls: list, column: str) -> int | None:
    told = [one[column] for one in calls if one[column] is not None]
    return sum(told) if told else None


def way_of(rows: oracle.Tables, attempt: dict) -> str:
    """By which channel an attempt was made: the chat's, or the last fallback chosen by then."""
    chosen = [
        one
        for one in rows["delivery_fallbacks"].values()
        if one["reply_id"] == attempt["reply_id"] and one["attempt"] <= attempt["attempt"]
    ]
    last = max(chosen, key=lambda one: one["attempt"], default=attempt)
    return last["channel"]


def test_reply_times_run_from_the_webhook_to_the_first_success(
    env: dict, settings: Settings, log: list
) -> None:
    asked_at = {
        one.data.reply_id: (one.tenant, one.data.received_at)
        for one in log
        if isinstance(one.data, ReplyGenerated)
    }
    sent_at: dict[str, datetime] = {}
    for one in oracle.tables(log)["delivery_attempts"].values():
        if one["outcome"] == "sent":
            first = sent_at.get(one["reply_id"], one["finished_at"])
            sent_at[one["reply_id"]] = min(first, one["finished_at"])
    took: dict[str, list[float]] = {}
    for reply_id, finished in sent_at.items():
        tenant, received = asked_at[reply_id]
        took.setdefault(tenant, []).append((finished - received).total_seconds())
    found = asked(
        settings,
        "SELECT tenant_id, sum(replies)::int AS replies, max(longest_seconds) AS longest"
        " FROM reply_times GROUP BY 1",
    )
    for row in found:
        assert row["replies"] == len(took[row["tenant_id"]])
        assert row["longest"] == pytest.approx(max(took[row["tenant_id"]]))
    assert len(found) == len(took)


def test_the_log_of_sent_messages_has_what_an_operator_asks_for(
    env: dict, settings: Settings, log: list
) -> None:
    rows = oracle.tables(log)
    found = asked(settings, "SELECT * FROM sent_messages_log")
    assert len(found) == len(rows["delivery_attempts"])
    for row in found:
        message = rows["messages"][str(row["reply_id"]),]
        assert row["preview"] == message["text_content"][:80]
        attempt = rows["delivery_attempts"][str(row["reply_id"]), row["attempt"]]
        assert row["channel"] == way_of(rows, attempt)
        assert row["waiting_for"] == attempt.get("waiting_for")


def test_old_processed_events_are_removed_and_younger_ones_stay(
    env: dict, settings: Settings, log: list
) -> None:
    count = len(oracle.tables(log)["processed_events"])
    assert asked(settings, "SELECT cleanup_old_processed_events(1)")[0][0] == 0
    assert asked(settings, "SELECT cleanup_old_processed_events(-1)")[0][0] == 0
    old = clock.now() - timedelta(days=8)
    asked(settings, "UPDATE processed_events SET processed_at = $1 WHERE event_type = 'edit'", old)
    edits = asked(settings, "SELECT count(*) FROM processed_events WHERE event_type = 'edit'")[0][0]
    assert asked(settings, "SELECT cleanup_old_processed_events(7)")[0][0] == edits > 0
    assert asked(settings, "SELECT count(*) FROM processed_events")[0][0] == count - edits


def test_chats_paused_for_long_are_candidates_to_be_resumed(env: dict, settings: Settings) -> None:
    now = clock.now()
    chats = [row["chat_id"] for row in asked(settings, "SELECT chat_id FROM sessions ORDER BY 1")]
    asked(settings, "UPDATE sessions SET is_paused = false, paused_at = NULL")
    for chat, hours in zip(chats[:3], (1, 3, 5), strict=True):
        asked(
            settings,
            "UPDATE sessions SET is_paused = true, pause_reason = 'human_takeover',"
            " last_human_at = $2 WHERE chat_id = $1",
            chat,
            now - timedelta(hours=hours),
        )
    found = asked(settings, "SELECT chat_id FROM auto_resume_candidates(2)")
    assert [row["chat_id"] for row in found] == [chats[2], chats[1]]
    assert len(asked(settings, "SELECT * FROM auto_resume_candidates(0.5)")) == 3
    asked(settings, "UPDATE sessions SET paused_at = $2 WHERE chat_id = $1", chats[2], now)
    found = asked(settings, "SELECT chat_id FROM auto_resume_candidates(2)")
    assert [row["chat_id"] for row in found] == [chats[1]]
