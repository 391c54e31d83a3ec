"""Tenants as an operator writes them: TOML, checked as a whole before any is written."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from chatfold.refusal import Refusal
from chatfold.tenancy.index import Tenants
from providers.sending import Channel
from schemas.tenants import Account, Tenant

_SCHEMES: Final = ("http", "https", "smtp", "smtps", "smtp+plain")


class TenantsRefused(Refusal):
    """One or more fields are wrong; the text names each."""


def parse(text: str, providers: Mapping[str, Channel]) -> list[Tenant]:
    """The tenants of a file of `[[tenants]]` tables; raises `TenantsRefused`.

    An account's `platform` may be left out: its provider knows it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TenantsRefused(f"not TOML: {error}") from None
    tables = document.get("tenants")
    if not isinstance(tables, list) or document.keys() != {"tenants"}:
        raise TenantsRefused("a file of tenants holds [[tenants]] tables and nothing else")
    tenants, mistakes = [], list[str]()
    for number, table in enumerate(tables):
        try:
            tenants.append(Tenant.model_validate(_with_platforms(table, providers)))
        except ValidationError as error:
            mistakes += _named(f"tenants[{number}]", error)
    if mistakes:
        raise TenantsRefused("\n".join(mistakes))
    return tenants


def check(
    new: Sequence[Tenant], present: Iterable[Tenant], providers: Mapping[str, Channel]
) -> None:
    """Raise `TenantsRefused` unless `new` can stand beside those of `present` that stay."""
    mistakes = [wrong for tenant in new for wrong in _wrong_accounts(tenant, providers)]
    mistakes += [wrong for tenant in new for wrong in _wrong_fallbacks(tenant)]
    ids = [tenant.tenant_id for tenant in new]
    mistakes += [f"{one}: tenant_id occurs twice" for one in sorted(set(ids)) if ids.count(one) > 1]
    stay = [tenant for tenant in present if tenant.tenant_id not in ids]
    together = Tenants([*new, *stay])
    for tenant, account in together.conflicts:
        owner = together.account(account.provider, account.account)
        name = owner[0].tenant_id if owner else "another tenant"
        mistakes.append(
            f"{tenant.tenant_id}: account {account.account} at {account.provider}"
            f" belongs to {name} already"
        )
    if mistakes:
        raise TenantsRefused("\n".join(mistakes))


def _wrong_accounts(tenant: Tenant, providers: Mapping[str, Channel]) -> Iterable[str]:
    for number, account in enumerate(tenant.accounts):
        for field, wrong in _wrong_fields(account, providers):
            yield f"{tenant.tenant_id}: accounts[{number}].{field}: {wrong}"


def _wrong_fallbacks(tenant: Tenant) -> Iterable[str]:
    own = {(account.provider, account.account) for account in tenant.accounts}
    for number, way in enumerate(tenant.fallbacks):
        if (way.provider, way.account) not in own:
            there_is = f"the tenant has no account {way.account!r} at {way.provider!r}"
            yield f"{tenant.tenant_id}: fallbacks[{number}]: {there_is}"


def _wrong_fields(account: Account, providers: Mapping[str, Channel]) -> Iterable[tuple[str, str]]:
    provider = providers.get(account.provider)
    if provider is None:
        known = ", ".join(sorted(providers))
        yield "provider", f"there is no provider {account.provider!r}; known: {known}"
        return
    if account.platform is not provider.platform:
        yield "platform", f"{account.provider} leads to {provider.platform}"
    if not account.account:
        yield "account", "must not be empty"
    unknown = sorted(account.credentials.keys() - set(provider.required_credentials))
    if unknown and provider.required_credentials:
        needed = ", ".join(provider.required_credentials)
        yield "credentials", f"{', '.join(unknown)} is not used; {account.provider} uses {needed}"
    if account.base_url and urlsplit(account.base_url).scheme not in _SCHEMES:
        yield "base_url", f"must begin with one of {', '.join(_SCHEMES)}"


def _with_platforms(table: object, providers: Mapping[str, Channel]) -> object:
    if not isinstance(table, dict) or not isinstance(table.get("accounts"), list):
        return table
    accounts = [
        {"platform": providers[one["provider"]].platform, **one}
        if isinstance(one, dict) and one.get("provider") in providers
        else one
        for one in table["accounts"]
    ]
    return {**table, "accounts": accounts}


def _named(where: str, error: ValidationError) -> list[str]:
    return [
        f"{where}.{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}"
        for mistake in error.errors(include_url=False, include_input=False)
    ]
