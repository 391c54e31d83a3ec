"""Where the references to a tenant's secrets are, and how all are changed at once."""

from collections.abc import Callable, Iterator
from typing import Final

from schemas.tenants import Tenant

HOLDERS: Final = frozenset({"credentials", "secrets", "verify_token", "api_key", "speech_api_key"})
"""Whatever is in a field of these names is a reference."""

Change = Callable[[str, str], str]
"""The new reference, of the place and the one that stands there."""


def references(tenant: Tenant) -> Iterator[tuple[str, str]]:
    """Each place where the tenant refers to a secret, and the reference there."""
    found: list[tuple[str, str]] = []

    def keep(where: str, reference: str) -> str:
        found.append((where, reference))
        return reference

    changed(tenant.model_dump(mode="json"), keep)
    return iter(found)


def with_references(tenant: Tenant, change: Change) -> Tenant:
    """The tenant with every reference changed."""
    return Tenant.model_validate(changed(tenant.model_dump(mode="json"), change))


def changed(node: object, change: Change, where: str = "") -> object:
    """A tenant's table, as it is written or dumped, with every reference in it changed.

    An account is named in the place as `accounts[PROVIDER/ACCOUNT]`, wherever it stands.
    """
    match node:
        case dict():
            return {key: _field(key, one, change, f"{where}.{key}") for key, one in node.items()}
        case list():
            return [changed(one, change, f"{where}[{_name(n, one)}]") for n, one in enumerate(node)]
        case _:
            return node


def _field(key: str, value: object, change: Change, where: str) -> object:
    where = where.removeprefix(".")
    return _each(value, change, where) if key in HOLDERS else changed(value, change, where)


def _each(value: object, change: Change, where: str) -> object:
    match value:
        case str():
            return change(where, value)
        case dict():
            return {key: _each(one, change, f"{where}.{key}") for key, one in value.items()}
        case list():
            return [_each(one, change, f"{where}[{n}]") for n, one in enumerate(value)]
        case _:
            return value


def _name(number: int, item: object) -> str:
    if isinstance(item, dict) and {"provider", "account"} <= item.keys():
        return f"{item['provider']}/{item['account']}"
    return str(number)
