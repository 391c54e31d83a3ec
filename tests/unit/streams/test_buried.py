"""An input that became a dead letter was not decided: it can be, once what was wrong is mended."""

import pytest

from schemas.facts import MessageReceived
from streams import batch
from tests.support import webhooks
from tests.support.inbox import Inbox


def says(number: int):
    said = webhooks.text("Hello", wamid=f"wamid.{number}")
    return webhooks.inputs(webhooks.body(said))[0]


def heard(inbox: Inbox) -> list[str]:
    told = [one.data for one in inbox.facts]
    return [one.platform_message_id for one in told if isinstance(one, MessageReceived)]


def test_an_input_on_which_the_decision_broke_is_decided_once_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox, poison = Inbox(), says(1)

    def breaks(state, recorded, policy):
        if recorded.id == poison.id:
            raise ZeroDivisionError
        return decide(state, recorded, policy)

    decide = batch.decide
    with monkeypatch.context() as patched:
        patched.setattr(batch, "decide", breaks)
        inbox.append(poison)
        inbox.append(says(2))
        inbox.drain()
    assert heard(inbox) == ["wamid.2"]
    assert len(inbox.dead_letters) == 1
    for _ in range(2):
        inbox.append(poison)
        inbox.drain()
    assert heard(inbox) == ["wamid.2", "wamid.1"]
    assert len(inbox.dead_letters) == 1
