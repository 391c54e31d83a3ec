"""The decider's stories may have items of no provider's format."""

import pytest

from tests.support.plain_provider import plain_provider

__all__ = ["plain_provider"]

pytestmark = pytest.mark.usefixtures("plain_provider")


@pytest.fixture(autouse=True)
def _plain(plain_provider: None) -> None:
    """Every story."""
