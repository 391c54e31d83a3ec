"""Any JSON at all, and the shared bodies with random damage."""

import copy
from typing import Any

from hypothesis import strategies as st

from tests.support.fixtures import load, sample_files, webhook_files

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["0", "-1", "1697043223000", "1e400", "²", "\x00", "", "wamid.X", "id"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
_LARGEST = 60_000


def bodies(provider: str) -> list[object]:
    """The shared and the shipped bodies of a provider, but for the very large."""
    files = [*webhook_files(provider), *sample_files(provider)]
    return [load(path) for path in files if path.stat().st_size < _LARGEST]


def damaged(provider: str) -> st.SearchStrategy[object]:
    """A body in which some parts were replaced, removed or doubled."""
    return st.builds(
        _with_damage,
        st.sampled_from(bodies(provider)),
        st.lists(st.tuples(st.floats(0, 1), st.sampled_from("rxd"), JSON), min_size=1, max_size=4),
    )


def _with_damage(body: object, blows: list[tuple[float, str, Any]]) -> object:
    body = copy.deepcopy(body)
    for where, how, value in blows:
        places = list(_places(body))
        if places:
            _strike(*places[int(where * (len(places) - 1))], how, copy.deepcopy(value))
    return body


def _places(value: object):
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _strike(holder: Any, key: Any, how: str, value: object) -> None:
    if how == "x":
        del holder[key]
    elif how == "d" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[key] = value
