"""Every role tells on its own port whether it lives, whether it is ready, and its figures."""

import asyncio

import aiohttp

from chatfold import telemetry


async def get(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_a_role_is_alive_and_ready_or_tells_why_not():
    reasons: list[str] = []

    async def ready() -> list[str]:
        return reasons

    async with telemetry.serve_health(0, ready) as port:
        assert (await get(port, "/healthz"))[0] == 200
        assert await get(port, "/readyz") == (200, '{"ready":true,"reasons":[]}')
        reasons.append("Kafka is away")
        assert await get(port, "/readyz") == (503, '{"ready":false,"reasons":["Kafka is away"]}')
        assert (await get(port, "/healthz"))[0] == 200


async def test_a_role_that_does_not_know_in_time_is_not_ready(monkeypatch):
    monkeypatch.setattr(telemetry, "READY_SECONDS", 0.05)

    async def never() -> list[str]:
        await asyncio.Event().wait()
        return []

    async with telemetry.serve_health(0, never) as port:
        assert await get(port, "/readyz") == (
            503,
            '{"ready":false,"reasons":["no answer within 0.05 s"]}',
        )


async def test_the_figures_show_the_heartbeat_of_the_role():
    async def ready() -> list[str]:
        return []

    telemetry.beat("tester")
    async with telemetry.serve_health(0, ready) as port:
        _, figures = await get(port, "/metrics")
    assert 'chatfold_role_heartbeat_timestamp_seconds{role="tester"}' in figures
