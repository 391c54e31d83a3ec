"""Green API resends what is not answered 200 and sends nothing else meanwhile."""

import pytest

from chatfold.settings import Settings
from schemas import codec
from schemas.content import Platform
from schemas.inputs import ItemKind
from schemas.tenants import Account
from tests.fuzz.mutations import ODD
from tests.support.edge import SECRETS, tenant
from tests.support.fixtures import load, sample_files, webhook_files
from tests.support.gateway import served

INSTANCE = "7103000001"
URL = "/webhooks/greenapi"
SHOP = tenant(
    "shop",
    *(
        Account(
            provider="greenapi",
            account=account,
            platform=Platform.WHATSAPP,
            secrets=("env:ACME",),
        )
        for account in (INSTANCE, "7103000000")
    ),
)


def bearer(secret: str = SECRETS["ACME"]) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def poison() -> list[bytes]:
    """Events of the instance that hold anything where something else is expected."""
    text = next(path for path in sample_files("greenapi") if path.stem == "text")
    whole = load(text)
    assert isinstance(whole, dict)
    parts = [part for part in whole if part != "instanceData"]
    return [codec.dumps(whole | {part: odd}) for part in parts for odd in ODD if odd != 10**30]


async def test_no_event_of_an_instance_is_answered_otherwise_than_200_and_all_are_kept(
    settings: Settings,
):
    known = [path.read_bytes() for path in sample_files("greenapi")]
    bodies = [*poison(), *known]
    async with served(settings, SHOP) as gateway:
        answers = [(await gateway.post(URL, body, bearer()))[0] for body in bodies]
        found = await gateway.inbox()
    assert answers == [200] * len(bodies)
    assert len(found) == len(bodies)
    kinds = {one.kind for one in found}
    assert kinds == set(ItemKind)


@pytest.mark.parametrize("headers", [{}, bearer("another"), {"authorization": "Bearer "}])
async def test_what_does_not_prove_itself_is_refused(settings: Settings, headers):
    async with served(settings, SHOP) as gateway:
        body = webhook_files("greenapi")[0].read_bytes()
        status, _, _ = await gateway.post(URL, body, headers)
        assert await gateway.inbox() == []
    assert status == 401
