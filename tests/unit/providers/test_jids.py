"""One name for each person, however WhatsApp's protocol writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import jids
from providers.jids import Jid
from tests.unit.providers.strategies import JSON

ADA = Jid("4915112345678")


@pytest.mark.parametrize(
    "written",
    [
        "4915112345678",
        "+4915112345678",
        4915112345678,
        "4915112345678@s.whatsapp.net",
        "4915112345678@c.us",
        "4915112345678@S.WhatsApp.net",
        "4915112345678:3@s.whatsapp.net",
        "4915112345678_1:3@s.whatsapp.net",
        "4915112345678:99@hosted",
        " 4915112345678@c.us ",
    ],
)
def test_one_person_has_one_name_however_it_is_written(written):
    assert jids.read(written) == ADA


def test_a_phone_is_told_where_the_name_is_one():
    assert ADA.phone == "+4915112345678"
    assert (ADA.is_group, ADA.is_broadcast, ADA.is_lid) == (False, False, False)


@pytest.mark.parametrize(
    "written", ["98765432109876@lid", "98765432109876:12@lid", "98765432109876@hosted.lid"]
)
def test_a_hidden_person_has_a_name_but_no_phone(written):
    found = jids.read(written)
    assert found == Jid("98765432109876@lid")
    assert (found.is_lid, found.phone) == (True, None)


@pytest.mark.parametrize("written", ["120363040468224422@g.us", "4915112345678-1602000000@g.us"])
def test_a_group_keeps_its_whole_name(written):
    assert jids.read(written) == Jid(written, is_group=True)
    assert jids.read(written).phone is None


@pytest.mark.parametrize(
    "written", ["status@broadcast", "1602000000@broadcast", "120363040468224422@newsletter"]
)
def test_stories_lists_and_channels_are_broadcasts(written):
    assert jids.read(written) == Jid(written, is_broadcast=True)


def test_what_is_at_an_unknown_server_keeps_its_whole_name():
    assert jids.read("13135550002@bot") == Jid("13135550002@bot")


@pytest.mark.parametrize("written", [None, "", "@", "@lid", ":3@lid", "+", True, [], {}, "a\x00b"])
def test_nobody_is_named_by_what_is_no_name(written):
    assert jids.read(written) is None


@given(JSON)
def test_any_json_is_a_name_or_none(value):
    found = jids.read(value)
    assert found is None or found.platform_user_id


@given(st.text() | st.from_regex(r"\+?[0-9]{1,18}(_1)?(:[0-9]+)?@(c\.us|lid|g\.us)"))
def test_a_name_read_again_is_the_same(written):
    found = jids.read(written)
    assert found is None or jids.read(found.platform_user_id) == found


@given(st.from_regex(r"[0-9]{6,15}(:[0-9]{1,2})?@(c\.us|lid|s\.whatsapp\.net)", fullmatch=True))
def test_the_address_of_a_name_leads_back_to_it(written):
    found = jids.read(written)
    for server in ("c.us", "s.whatsapp.net"):
        assert jids.read(jids.address(found.platform_user_id, server)) == found


def test_the_address_of_a_phone_is_at_the_server_of_the_provider():
    assert jids.address("4915112345678", "c.us") == "4915112345678@c.us"
    assert jids.address("98765@lid", "c.us") == "98765@lid"
    assert jids.address("120363@g.us") == "120363@g.us"
