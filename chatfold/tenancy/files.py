"""Tenants as an operator writes them: TOML, each field checked as it is read."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chatfold.refusal import Refusal
from providers.sending import Channel
from schemas.tenants import REFERENCE, Tenant

PLAIN: Final = (
    "is no reference to a secret. A secret is never written out here: name where it is, as env:NAME"
    " or file:PATH; or encrypt it with `chatfold tenants encrypt`; or have `chatfold tenants apply`"
    " encrypt it from where it is now, as seal:env:NAME or seal:file:PATH"
)


class TenantsRefused(Refusal):
    """One or more fields are wrong; the text names each."""


def parse(text: str, providers: Mapping[str, Channel]) -> list[Tenant]:
    """The tenants of a file of `[[tenants]]` tables; raises `TenantsRefused`."""
    return tenants(tables(text), providers)


def tables(text: str) -> list[object]:
    """The `[[tenants]]` tables of a file; raises `TenantsRefused`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TenantsRefused(f"not TOML: {error}") from None
    found = document.get("tenants")
    if not isinstance(found, list) or document.keys() != {"tenants"}:
        raise TenantsRefused("a file of tenants holds [[tenants]] tables and nothing else")
    return found


def tenants(tables: Sequence[object], providers: Mapping[str, Channel]) -> list[Tenant]:
    """The tenants that the tables are; raises `TenantsRefused`.

    An account's `platform` may be left out: its provider knows it.
    """
    found, mistakes = [], list[str]()
    for number, table in enumerate(tables):
        try:
            found.append(Tenant.model_validate(with_platforms(table, providers)))
        except ValidationError as error:
            mistakes += _named(f"tenants[{number}]", error)
    if mistakes:
        raise TenantsRefused("\n".join(mistakes))
    return found


def with_platforms(table: object, providers: Mapping[str, Channel]) -> object:
    """The table with the platform of each account whose provider we know."""
    if not isinstance(table, dict) or not isinstance(table.get("accounts"), list):
        return table
    accounts = [
        {"platform": providers[one["provider"]].platform, **one}
        if isinstance(one, dict) and one.get("provider") in providers
        else one
        for one in table["accounts"]
    ]
    return {**table, "accounts": accounts}


def worded(mistake: ErrorDetails) -> str:
    """What is wrong with a field, without what stands in it."""
    if mistake["type"] == "string_pattern_mismatch" and mistake["ctx"]["pattern"] == REFERENCE:
        return PLAIN
    return mistake["msg"]


def _named(where: str, error: ValidationError) -> list[str]:
    return [
        f"{where}.{'.'.join(map(str, mistake['loc']))}: {worded(mistake)}"
        for mistake in error.errors(include_url=False, include_input=False)
    ]
