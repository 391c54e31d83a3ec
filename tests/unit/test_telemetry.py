"""Every log record is one JSON line that an operator can search."""

import io
import logging
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from chatfold import telemetry
from schemas import codec

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What is logged, parsed; the logging of the tests themselves is put back."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in telemetry._CHATTY}
    telemetry.configure_logging("info", "gateway")
    yield lambda: [codec.loads(line.encode()) for line in written.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, kept in levels.items():
        logging.getLogger(name).setLevel(kept)


def _lose() -> None:
    secret = "hush"  # noqa: F841  # it must not be shown
    raise LookupError("lost")


def test_a_record_tells_time_level_role_event_and_its_fields(lines: Lines):
    fields = {"event_id": "e1", "chat_id": "c1", "caused_by": "i1"}
    logging.getLogger("chatfold.x").info("took %s of %s", 3, 4, extra=fields)
    (line,) = lines()
    moment = datetime.fromisoformat(str(line.pop("time")))
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 10
    head = {"level": "info", "role": "gateway", "event": "took 3 of 4", "logger": "chatfold.x"}
    assert line == head | fields


def test_what_is_less_severe_than_asked_for_is_left_out(lines: Lines):
    logging.getLogger("chatfold.x").debug("quiet")
    logging.getLogger("aiokafka").info("chatty")
    logging.getLogger("aiokafka").warning("heard")
    assert [line["event"] for line in lines()] == ["heard"]


def test_an_exception_is_one_line_and_shows_no_local_variable(lines: Lines):
    try:
        _lose()
    except LookupError:
        logging.getLogger("chatfold.x").exception("failed")
    (line,) = lines()
    assert line["exception"][0]["exc_type"] == "LookupError"
    assert "hush" not in str(line)


def test_a_field_that_json_cannot_hold_does_not_cost_the_line(lines: Lines):
    logging.getLogger("chatfold.x").info("odd", extra={"odd": object, "even": {2}})
    (line,) = lines()
    assert line["event"] == "odd"
