"""The demo as a new user runs it."""

import asyncio
import os
import sys
from pathlib import Path

from schemas import codec
from tests.support import servers as support

KEYS = {
    "webhooks_posted",
    "webhooks_accepted",
    "webhooks_refused",
    "messages_in",
    "duplicates",
    "replies_sent",
    "replies_received_by_sandbox",
    "rows",
    "views",
    "e2e_ms",
    "missing",
    "doubled",
}


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
    assert told["webhooks_posted"] >= 200
    assert told["webhooks_refused"].keys() == {"bad signature", "not JSON"}
    assert told["replies_sent"] == told["replies_received_by_sandbox"] > 200
    assert told["duplicates"] >= 20
    assert told["rows"]["messages"] == told["messages_in"] + told["replies_sent"]
    assert told["e2e_ms"]["p50"] <= told["e2e_ms"]["p99"]
