"""No change to any known webhook makes a provider raise, or loses what is to be kept."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.registry import PROVIDERS
from schemas import codec
from tests.fuzz.mutations import ODD, damaged, places
from tests.support.fixtures import sample_files, webhook_files
from tests.support.totality import survive, survive_bytes

LONGEST = 32_768
"""Larger bodies hold base64, which has no parts."""
HOLDERS = ([[]], {"id": []})
"""What cannot be looked up in a set."""
REMOVED = object()
FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def known(name: str) -> list[Path]:
    found = [*webhook_files(name), *sample_files(name)]
    return [path for path in found if path.stat().st_size <= LONGEST]


BODIES = [
    pytest.param(name, path, id=f"{name}-{path.stem}") for name in PROVIDERS for path in known(name)
]


@pytest.mark.parametrize(("name", "path"), BODIES)
def test_each_part_of_each_body_can_be_missing_or_of_another_type(name, path):
    provider, whole = PROVIDERS[name], json.loads(path.read_bytes())
    for index in range(len(list(places(whole)))):
        for change in (REMOVED, [], HOLDERS[index % len(HOLDERS)], ODD[index % len(ODD)]):
            body = copy.deepcopy(whole)
            holder, key = list(places(body))[index]
            if change is REMOVED:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(change)
            survive(provider, codec.loads(json.dumps(body).encode()))


@pytest.mark.parametrize(("name", "path"), BODIES)
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_a_body_with_several_wounds_survives(name, path, seed):
    if (raw := damaged(path.read_bytes(), seed, 2 * LONGEST)) is not None:
        survive_bytes(PROVIDERS[name], raw)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_body_of_one_provider_is_no_poison_for_another(name):
    for other in PROVIDERS:
        for path in known(other):
            survive_bytes(PROVIDERS[name], path.read_bytes())


@pytest.mark.parametrize("name", PROVIDERS)
@settings(FEW, max_examples=200)
@given(raw=st.binary(max_size=64) | st.text(max_size=64).map(lambda words: words.encode()))
def test_bytes_that_nobody_meant_as_json_are_refused_or_kept(name, raw):
    survive_bytes(PROVIDERS[name], raw)
