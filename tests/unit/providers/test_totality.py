"""Laws: whatever comes, nothing raises, nothing is lost, nothing depends on chance."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.registry import PROVIDERS
from schemas import codec
from schemas.inputs import ItemKind
from tests.support.totality import survive
from tests.unit.providers.strategies import JSON, bodies, damaged

MANY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = tuple(PROVIDERS)
ARRAYS = ("messages", "statuses", "message_echoes")


def read(name, body):
    return survive(PROVIDERS[name], body)


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(body=JSON)
def test_any_json_is_split_and_parsed(name, body):
    read(name, body)


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(data=st.data())
def test_a_damaged_body_is_split_and_parsed(name, data):
    read(name, data.draw(damaged(name)))


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(kind=st.sampled_from(ItemKind), fragment=st.dictionaries(st.text(max_size=8), JSON))
def test_any_fragment_is_parsed_as_any_kind(name, kind, fragment):
    PROVIDERS[name].parse(kind, fragment)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ItemKind)
def test_a_fragment_of_one_kind_is_parsed_as_another(name, kind):
    for body in bodies(name):
        for item in PROVIDERS[name].split(body):
            PROVIDERS[name].parse(kind, item.fragment)


@MANY
@given(body=damaged("whatsapp_cloud"))
def test_each_element_of_a_damaged_whatsapp_body_is_in_one_item(body):
    body, marks = _marked(body)
    items = [codec.dumps(item.fragment) for item in PROVIDERS["whatsapp_cloud"].split(body)]
    for mark in marks:
        assert sum(mark in item for item in items) == 1


def _marked(body):
    """The body with a mark in each message, status and echo, and the marks."""
    body, marks = copy.deepcopy(body), []
    for holder in _arrays(body):
        for place, element in enumerate(holder):
            mark = f"mark-{len(marks):04}-"
            marks.append(mark.encode())
            if isinstance(element, dict):
                element["mark"] = mark
            else:
                holder[place] = mark
    return body, marks


def _arrays(body):
    for entry in _list(body, "entry"):
        for change in _list(entry, "changes"):
            value = change.get("value") if isinstance(change, dict) else None
            for name in ARRAYS:
                yield _list(value, name)


def _list(holder, name):
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


@pytest.mark.parametrize("name", NAMES)
@settings(MANY, max_examples=60)
@given(data=st.data())
def test_a_redelivery_has_the_same_items_whatever_the_order_of_its_keys(name, data):
    body = data.draw(damaged(name))
    split = PROVIDERS[name].split
    assert list(split(body)) == list(split(copy.deepcopy(body)))
    if name == "whatsapp_cloud":  # Telegram's items come in the order of the update's keys
        assert [i.message_id for i in split(body)] == [i.message_id for i in split(_turned(body))]


def _turned(value):
    if isinstance(value, dict):
        return {key: _turned(one) for key, one in reversed(value.items())}
    return [_turned(one) for one in value] if isinstance(value, list) else value


def test_a_body_nested_as_deeply_as_we_read_is_kept():
    value: object = "x"
    for _ in range(codec.DEEPEST - 1):
        value = [value]
    for name in NAMES:
        body = codec.loads(codec.dumps({"update_id": 1, "message": value}))
        read(name, body)
        message = {"message_id": 1, "chat": {"id": 1}, "hologram": value[0][0]}
        read(name, codec.loads(codec.dumps({"update_id": 1, "message": message})))


def test_a_body_nested_more_deeply_is_refused_before_it_is_split():
    for depth in (codec.DEEPEST + 1, 300, 5_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            codec.loads(b'{"update_id":' + b"[" * depth + b"]" * depth + b"}")


def test_numbers_beyond_64_bits_beside_broken_text_are_kept():
    raw = b'{"update_id": 1, "message": {"a": "\\ud800", "n": 123456789012345678901234567890}}'
    for name in NAMES:
        read(name, codec.loads(raw))
