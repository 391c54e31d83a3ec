"""Damage to a JSON value, decided by a seed alone."""

import copy
import json
import random
from collections.abc import Iterator

ODD = (
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    10**30,
    1697043223000,
    "",
    "x",
    "\x00",
    "²",
    "{{SWE001}}",
    "status@broadcast",
    "1@lid",
    [],
    [[]],
    {},
    {"id": []},
    {"low": 1, "high": 0, "unsigned": False},
)
"""What stands where something else is expected."""


def damaged(raw: bytes, seed: int, longest: int) -> bytes | None:
    """The body with one to four parts changed, None if it is not JSON or grew too long."""
    try:
        body = json.loads(raw)
        chance = random.Random(seed)
        for _ in range(chance.randint(1, 4)):
            body = _struck(body, chance)
        found = json.dumps(body).encode()
    except (ValueError, RecursionError):
        return None
    return found if len(found) <= longest else None


def places(value: object) -> Iterator[tuple[object, object]]:
    """Every part of a value, as what holds it and its key there."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in list(keys):
            yield holder, key
            if isinstance(holder[key], dict | list) and holder[key]:
                waiting.append(holder[key])


def _struck(body: object, chance: random.Random) -> object:
    found = list(places(body)) if isinstance(body, dict | list) else []
    if not found:
        return chance.choice(ODD)
    holder, key = chance.choice(found)
    match chance.choice(_BLOWS):
        case "remove":
            del holder[key]
        case "replace":
            holder[key] = copy.deepcopy(chance.choice(ODD))
        case "move":
            other, where = chance.choice(found)
            holder[key] = copy.deepcopy(other[where])
        case "double":
            holder[key] = [copy.deepcopy(holder[key]), copy.deepcopy(holder[key])]
        case "lengthen" if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        case _ if isinstance(holder, dict):
            holder[f"{key}_"] = holder.pop(key)
    return body


_BLOWS = ("remove", "remove", *["replace"] * 4, "move", "double", "lengthen")
"""Most mistakes are about types: a list or an object where a word was."""
