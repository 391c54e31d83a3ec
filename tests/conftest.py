"""Fixtures that every suite may ask for; servers start only when a test asks."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatfold import topics
from chatfold.settings import Settings
from chatfold.stack import Stack
from tests.support import servers as support


@pytest.fixture(scope="session")
def servers() -> Iterator[Settings]:
    """Settings that point to running servers, shared with other tests and other sessions."""
    with support.shared() as settings:
        yield settings


@pytest.fixture
def settings(
    servers: Settings, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Settings]:
    """The shared servers with names and a home that only this test uses.

    Its topics go with it: clients that ask for all topics take ever longer where all are kept.
    """
    isolated = support.isolated(servers, request.node.nodeid, tmp_path)
    yield isolated
    asyncio.run(topics.remove(isolated.bootstrap, isolated.topic_prefix))


@pytest.fixture(scope="module")
def own_servers() -> Iterator[Stack]:
    """Running servers that the tests of one module may stop, freeze and kill."""
    with support.throw_away() as stack:
        yield stack
