"""Who may use the API, and what a wrong setting says."""

import pytest

from chatfold.api.tokens import Right, tokens
from chatfold.refusal import Refusal
from chatfold.tenancy import Secrets
from tests.support.operators import SECRETS

LONG = "a secret that is long"


def known(single=None, several=None):
    return tokens(single, several, Secrets(SECRETS))


def test_without_a_token_the_api_refuses_to_start_with_the_way_out():
    with pytest.raises(Refusal, match=r"set CHATFOLD_API_TOKEN to .* or CHATFOLD_API_TOKENS"):
        known()


def test_a_single_token_is_an_operators():
    bearer = known(LONG).bearer(f"Bearer {LONG}")
    assert bearer is not None
    assert (bearer.name, bearer.may_act) == ("operator", True)


def test_each_of_several_tokens_names_its_bearer_and_a_viewer_may_not_act():
    both = known(None, f"alice:{LONG}, eve/viewer:env:EVE")
    assert both.bearer(f"bearer {LONG}").name == "alice"
    eve = both.bearer(f"Bearer {SECRETS['EVE']}")
    assert (eve.name, eve.right) == ("eve", Right.VIEWER)


def test_a_secret_may_hold_colons_and_may_be_in_a_file(tmp_path):
    file = tmp_path / "bob"
    file.write_text("bob's secret of the file\n")
    several = known(None, f"alice:a:b:{LONG},bob:file:{file}")
    assert several.bearer(f"Bearer a:b:{LONG}").name == "alice"
    assert several.bearer("Bearer bob's secret of the file").name == "bob"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {LONG}",
        LONG,
        f"Bearer {LONG}x",
        f"Bearer {LONG[:-1]}",
    ],
)
def test_what_is_no_token_proves_nothing(header):
    assert known(LONG).bearer(header) is None


@pytest.mark.parametrize(
    ("several", "told"),
    [
        ("alice", "entry 1 of CHATFOLD_API_TOKENS is not NAME:SECRET"),
        (f"alice:{LONG},:x", "entry 2"),
        (f"al ice:{LONG}", "entry 1"),
        (f"alice/boss:{LONG}", "entry 1"),
        ("alice:", "'alice' is empty"),
        ("alice:env:NOBODY", "variable NOBODY is not set"),
        ("alice:file:/nowhere", "file /nowhere cannot be read"),
        (f"alice:{LONG},alice:{LONG}2", "names 'alice' twice"),
    ],
)
def test_a_wrong_setting_is_refused_and_told(several, told):
    with pytest.raises(Refusal, match=told) as refusal:
        known(None, several)
    assert LONG not in str(refusal.value)


def test_a_token_that_is_easy_to_guess_is_warned_of(caplog):
    known(None, "alice:short")
    assert "the API token of alice is easy to guess" in caplog.text
    assert "short" not in caplog.text


def test_no_secret_is_in_what_is_logged_of_a_token():
    assert LONG not in repr(vars(known(LONG)))
