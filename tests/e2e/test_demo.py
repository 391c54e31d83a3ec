"""The demo as a new user runs it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from chatfold.demo import enriched
from chatfold.demo.assisted import SEEN, SPOKEN
from chatfold.demo.files import WRITTEN
from providers.registry import PROVIDERS
from schemas import codec
from tests.support import servers as support

KEYS = {
    "webhooks_posted",
    "webhooks_accepted",
    "webhooks_refused",
    "messages_in",
    "duplicates",
    "left_to_humans",
    "sent_by_programs",
    "replies_sent",
    "replies_received_by_sandbox",
    "replies_received_by_provider",
    "rows",
    "views",
    "e2e_ms",
    "scenes",
    "files_stored",
    "transcribed",
    "documents_read",
    "pictures_described",
    "ai_replies",
    "summaries",
    "takeovers",
    "tokens",
    "cost",
    "jobs",
    "conversations",
    "found_by_search",
    "missing",
    "doubled",
}
SCENES = {
    "retry": ["whatsapp failed 429 throttled", "whatsapp sent 200"],
    "retry_by_operator": ["telegram failed 403 blocked_by_user", "telegram sent 200"],
    "lost_answer_told_by_status": ["whatsapp sent"],
    "lost_answer_told_by_echo": ["instagram sent"],
    "fallback": ["whatsapp failed 403 recipient_unreachable", "sms sent 201"],
}
CONVERSATIONS = {
    "files": ["a voice note, a PDF and a picture understood, and answered once"],
    "conversation": [
        "answered by the model",
        "three messages answered once",
        "closed and summed up",
    ],
    "takeover": [
        "answered by the model",
        "taken over by a human",
        "left to the human",
        "resumed by an operator",
        "answered by the model, which knows what was said meanwhile",
    ],
}


@pytest.mark.timeout(600)
async def test_the_demo_checks_itself_and_leaves_nothing_running(servers, tmp_path: Path):
    named = {
        "home": tmp_path,
        "kafka_bootstrap": servers.bootstrap,
        "database_url": servers.database,
        "redis_url": servers.views,
    }
    chosen = support.environment(servers.model_copy(update=named))
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatfold", "demo", "--exit", "--json"),
        env=os.environ | chosen,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await child.communicate()
    assert child.returncode == 0, errors.decode()[-4000:]
    told = codec.loads(out.splitlines()[-1])
    assert told.keys() == KEYS
    assert told["missing"] == told["doubled"] == []
    assert told["webhooks_posted"] >= 600
    assert told["webhooks_refused"].keys() == {"bad signature", "not JSON"}
    assert told["replies_sent"] == told["replies_received_by_sandbox"] > 300
    assert told["duplicates"] >= 20
    origins = ("messages_in", "replies_sent", "sent_by_programs")
    assert told["rows"]["messages"] == sum(told[origin] for origin in origins)
    assert told["left_to_humans"] == 2 * 5 + 1
    assert told["replies_received_by_provider"].keys() == {*PROVIDERS, "twilio_sms"}
    assert {name: seen["attempts"] for name, seen in told["scenes"].items()} == SCENES
    assert all(list(seen["received"].values()) == [1] for seen in told["scenes"].values())
    assert all(seen["as_expected"] for seen in told["scenes"].values())
    assert {name: one["steps"] for name, one in told["conversations"].items()} == CONVERSATIONS
    noted = [one["noted"] for one in told["conversations"].values()]
    assert [one.keys() for one in noted] == [{"said", "written", "seen"}, {"summary"}, set()]
    assert noted[0] == {"said": SPOKEN, "written": WRITTEN, "seen": SEEN}
    assert told["jobs"].keys() == {"succeeded"}
    assert told["files_stored"] > 100
    assert told["transcribed"] == told["pictures_described"] == told["summaries"] == 1
    assert (told["documents_read"], told["ai_replies"]) == (17, 5)
    assert told["takeovers"] > 1
    assert told["tokens"] > 0 < told["cost"]
    assert told["found_by_search"] == enriched.SOUGHT
    kept = [one for one in tmp_path.rglob("media/*/*/*") if one.is_file()]
    assert len(kept) > 3
    assert told["e2e_ms"]["p50"] <= told["e2e_ms"]["p99"]
