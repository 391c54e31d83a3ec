"""Evolution's webhooks through a real gateway into a real log: all kept, no key of theirs."""

import pytest

from chatfold.settings import Settings
from schemas import codec
from schemas.content import Platform
from schemas.inputs import ItemKind
from schemas.tenants import Account
from tests.support.edge import SECRETS, tenant
from tests.support.fixtures import load, sample_files, webhook_files
from tests.support.gateway import served
from tests.unit.providers.test_evolution_authenticity import token

KEY = SECRETS["ACME"]
URL = "/webhooks/evolution"
INSTANCES = ("demo", "test-instance", "minha-instancia", "249aad2e-68f9-464f-bc84-aca560c38f0e")
SHOP = tenant(
    "shop",
    *(
        Account(
            provider="evolution",
            account=instance,
            platform=Platform.WHATSAPP,
            secrets=("env:ACME",),
        )
        for instance in INSTANCES
    ),
)
FILES = [*webhook_files("evolution"), *sample_files("evolution")]


def keyed(path):
    """A body as a server sends it that exposes its keys."""
    body = load(path)
    assert isinstance(body, dict)
    return codec.dumps(body | {"apikey": KEY, "hint": f"?key={KEY}"})


async def test_every_webhook_is_kept_and_no_key_with_it(settings: Settings):
    async with served(settings, SHOP) as gateway:
        answers = [(await gateway.post(URL, keyed(path), {}))[0] for path in FILES]
        found = await gateway.inbox()
    assert answers == [200] * len(FILES)
    assert {one.kind for one in found} == set(ItemKind)
    assert {one.account for one in found} == set(INSTANCES)
    assert not any(KEY.encode() in codec.dumps(one) for one in found)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": KEY},
        {"authorization": f"Bearer {token(KEY)}"},
        {"apikey": KEY},
    ],
    ids=["bearer", "bare", "token", "apikey"],
)
@pytest.mark.parametrize("path", ["", "/shop", "/shop/demo", "/shop/demo/messages-upsert"])
async def test_the_event_may_stand_in_the_path(settings: Settings, path, headers):
    body = next(path for path in FILES if path.stem == "text").read_bytes()
    async with served(settings, SHOP) as gateway:
        status, _, _ = await gateway.post(URL + path, body, headers)
        [one] = await gateway.inbox()
    assert (status, one.kind, one.account) == (200, ItemKind.MESSAGE, "demo")


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer another"}, {"authorization": token("another")}]
)
async def test_what_does_not_prove_itself_is_refused(settings: Settings, headers):
    body = next(path for path in FILES if path.stem == "text").read_bytes()
    async with served(settings, SHOP) as gateway:
        status, _, _ = await gateway.post(URL, body, headers)
        assert await gateway.inbox() == []
    assert status == 401
