"""Tenants by the API: what is shown of them, what is taken, and what is refused."""

from typing import Final

from pydantic import Field, model_validator

from chatfold.api.answers import Told
from chatfold.api.calls import Call, Operation
from chatfold.api.problems import Kind, Mistake, Problem
from chatfold.api.questions import Given
from chatfold.refusal import Refusal
from chatfold.tenancy import TenantsRefused, sealer
from chatfold.tenancy.files import with_platforms
from chatfold.tenancy.references import references
from providers.channels import CHANNELS
from schemas.tenants import Tenant

LONGEST_SECRET: Final = 16_384
_PATH: Final = "/v1/tenants/{tenant}"
_FILES: Final = (
    "a file of the roles is named by `chatfold tenants apply` alone; encrypt the secret, or name a"
    " variable as env:NAME"
)


class GivenTenant(Tenant, Given):
    """A tenant as it shall stand; what is left out is as usual.

    Secrets are references: `env:NAME`, or encrypted. An encrypted one that is given as it is shown
    stays as it is.
    """

    @model_validator(mode="before")
    @classmethod
    def _with_platforms(cls, value: object) -> object:
        """An account's platform may be left out."""
        return with_platforms(value, CHANNELS)


class GivenSecret(Given):
    """A secret to encrypt."""

    secret: str = Field(min_length=1, max_length=LONGEST_SECRET, repr=False)


class ShownTenant(Told, Tenant):
    """A tenant as it stands: secrets by reference, encrypted ones by key and fingerprint."""


class ShownTenants(Told):
    """All tenants, by id."""

    tenants: list[ShownTenant]


class Applied(Told):
    """The tenant is in the log as given; `changed` is false where it was so already."""

    tenant_id: str
    changed: bool


class Removed(Told):
    """The tenant is removed: its log stays, and nothing more is done for it."""

    tenant_id: str


class Encrypted(Told):
    """The secret, encrypted for this tenant alone: the reference to give in its place."""

    reference: str


async def _list(call: Call, _: Given) -> Told:
    return ShownTenants(tenants=[_shown(one) for one in call.register.tenants.by_id.values()])


async def _show(call: Call, _: Given) -> Told:
    tenant = call.register.tenants.by_id.get(call.name)
    if tenant is None:
        raise _not_found(call.name)
    return _shown(tenant)


async def _apply(call: Call, given: Given) -> Told:
    assert isinstance(given, GivenTenant)
    if given.tenant_id != call.name:
        mistake = Mistake("tenant_id", f"the address names {call.name!r}")
        raise Problem(Kind.INVALID, "a field is wrong", [mistake])
    tenant = Tenant.model_validate(given.model_dump())
    _refuse_files(tenant, call.register.tenants.by_id.get(call.name))
    try:
        changed = await call.register.put([tenant], call.asker.by)
    except TenantsRefused as refused:
        mistakes = [_mistake(line) for line in str(refused).splitlines()]
        raise Problem(Kind.INVALID, "the tenant cannot be so", mistakes) from None
    return Applied(tenant_id=tenant.tenant_id, changed=bool(changed))


async def _remove(call: Call, _: Given) -> Told:
    if not await call.register.remove(call.name, call.asker.by):
        raise _not_found(call.name)
    return Removed(tenant_id=call.name)


async def _encrypt(call: Call, given: Given) -> Told:
    assert isinstance(given, GivenSecret)
    try:
        sealed = call.register.secrets.keys.seal(given.secret, tenant=call.name)
    except Refusal as refusal:
        raise Problem(Kind.NO_MASTER_KEY, str(refusal)) from None
    return Encrypted(reference=sealed.reference)


def _shown(tenant: Tenant) -> ShownTenant:
    return ShownTenant.model_validate(sealer.shown(tenant).model_dump())


def _refuse_files(tenant: Tenant, present: Tenant | None) -> None:
    """A file that no command has named could be any that the roles can read."""
    known = {reference for _, reference in references(present)} if present else set()
    mistakes = [
        Mistake(where, _FILES)
        for where, reference in references(tenant)
        if reference.startswith("file:") and reference not in known
    ]
    if mistakes:
        raise Problem(Kind.INVALID, "the tenant cannot be so", mistakes)


def _mistake(line: str) -> Mistake:
    """The field and the text of a sentence `TENANT: FIELD: TEXT`, or `TENANT: TEXT`."""
    _, _, told = line.partition(": ")
    field, colon, text = told.partition(": ")
    return Mistake(field, text) if colon else Mistake("accounts", told)


def _not_found(name: str) -> Problem:
    return Problem(Kind.NOT_FOUND, f"there is no tenant {name}")


OPERATIONS: Final = (
    Operation(
        name="listTenants",
        method="GET",
        path="/v1/tenants",
        by_query=True,
        summary="List tenants, with their accounts and settings.",
        told=ShownTenants,
        handle=_list,
    ),
    Operation(
        name="showTenant",
        method="GET",
        path=_PATH,
        by_query=True,
        summary="Show a tenant.",
        told=ShownTenant,
        kinds=(Kind.NOT_FOUND,),
        handle=_show,
    ),
    Operation(
        name="applyTenant",
        method="PUT",
        path=_PATH,
        summary="Add a tenant, or replace it as a whole; every role follows without a restart.",
        given=GivenTenant,
        told=Applied,
        acts=True,
        handle=_apply,
    ),
    Operation(
        name="removeTenant",
        method="DELETE",
        path=_PATH,
        summary="Remove a tenant; its log and its tables stay.",
        told=Removed,
        acts=True,
        kinds=(Kind.NOT_FOUND,),
        handle=_remove,
    ),
    Operation(
        name="encryptSecret",
        method="POST",
        path=_PATH + "/secrets",
        summary="Encrypt a secret for a tenant; nothing is kept of it.",
        given=GivenSecret,
        told=Encrypted,
        acts=True,
        appends=False,
        kinds=(Kind.NO_MASTER_KEY,),
        handle=_encrypt,
    ),
)
