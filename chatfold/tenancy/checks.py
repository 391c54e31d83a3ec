"""What must be right of tenants beyond their fields, before any is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from chatfold.tenancy import sealing
from chatfold.tenancy.files import TenantsRefused
from chatfold.tenancy.index import Tenants
from chatfold.tenancy.references import references
from chatfold.tenancy.secrets import why_reserved
from providers.sending import Channel
from schemas.tenants import Account, Tenant

_IN_CLEAR: Final = "must hold no password: it stands in the log as it is"
_SCHEMES: Final = ("http", "https", "smtp", "smtps", "smtp+plain")


def check(
    new: Sequence[Tenant],
    present: Iterable[Tenant],
    providers: Mapping[str, Channel],
    keys: sealing.MasterKeys | None = None,
) -> None:
    """Raise `TenantsRefused` unless `new` can stand beside those of `present` that stay.

    With `keys`, what they sealed is opened, to see that it is this tenant's.
    """
    mistakes = [
        f"{tenant.tenant_id}: {wrong}"
        for tenant in new
        for wrong in _wrong(tenant, providers, keys or sealing.MasterKeys())
    ]
    ids = [tenant.tenant_id for tenant in new]
    mistakes += [f"{one}: tenant_id occurs twice" for one in sorted(set(ids)) if ids.count(one) > 1]
    mistakes += _conflicts([*new, *(one for one in present if one.tenant_id not in ids)])
    if mistakes:
        raise TenantsRefused("\n".join(mistakes))


def _wrong(
    tenant: Tenant, providers: Mapping[str, Channel], keys: sealing.MasterKeys
) -> Iterator[str]:
    yield from _wrong_accounts(tenant, providers)
    yield from _wrong_fallbacks(tenant)
    yield from _wrong_answering(tenant)
    yield from _wrong_models(tenant)
    yield from _wrong_references(tenant, keys)


def _conflicts(tenants: Sequence[Tenant]) -> Iterator[str]:
    together = Tenants(tenants)
    for tenant, account in together.conflicts:
        owner = together.account(account.provider, account.account)
        name = owner[0].tenant_id if owner else "another tenant"
        yield (
            f"{tenant.tenant_id}: account {account.account} at {account.provider}"
            f" belongs to {name} already"
        )


def _wrong_accounts(tenant: Tenant, providers: Mapping[str, Channel]) -> Iterator[str]:
    for number, account in enumerate(tenant.accounts):
        for field, wrong in _wrong_fields(account, providers):
            yield f"accounts[{number}].{field}: {wrong}"


def _wrong_fallbacks(tenant: Tenant) -> Iterator[str]:
    own = {(account.provider, account.account) for account in tenant.accounts}
    for number, way in enumerate(tenant.fallbacks):
        if (way.provider, way.account) not in own:
            there_is = f"the tenant has no account {way.account!r} at {way.provider!r}"
            yield f"fallbacks[{number}]: {there_is}"


def _wrong_answering(tenant: Tenant) -> Iterator[str]:
    """What would answer, or look at pictures, without what that needs."""
    needed = "needs a table [tenants.models], which may be empty for OpenAI's usual models"
    if tenant.responder == "llm" and tenant.models is None:
        yield f"responder: llm {needed}"
    if tenant.responder == "handler" and not tenant.handlers:
        yield "responder: handler needs a name in `handlers`; if nobody is to answer, it is none"
    if tenant.media.describe_images and tenant.models is None:
        yield f"media.describe_images: {needed}"


def _wrong_models(tenant: Tenant) -> Iterator[str]:
    if tenant.models is None:
        return
    for field in ("base_url", "speech_base_url"):
        if _holds_password(getattr(tenant.models, field)):
            yield f"models.{field}: {_IN_CLEAR}"


def _wrong_references(tenant: Tenant, keys: sealing.MasterKeys) -> Iterator[str]:
    for where, reference in references(tenant):
        wrong = why_reserved(reference)
        if reference.startswith(sealing.PREFIX):
            wrong = _wrong_seal(reference, tenant.tenant_id, keys)
        if wrong:
            yield f"{where}: {wrong}"


def _wrong_seal(reference: str, tenant_id: str, keys: sealing.MasterKeys) -> str | None:
    """Why it cannot be the tenant's; what is sealed by a key that is not here may well be."""
    try:
        sealed = sealing.parse(reference)
        if sealed.key_id in keys.keys:
            keys.open(sealed, tenant=tenant_id)
    except sealing.CannotOpen as error:
        return str(error)
    return None


def _wrong_fields(account: Account, providers: Mapping[str, Channel]) -> Iterator[tuple[str, str]]:
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
    if _holds_password(account.base_url):
        yield "base_url", _IN_CLEAR


def _holds_password(url: str | None) -> bool:
    return "@" in urlsplit(url or "").netloc
