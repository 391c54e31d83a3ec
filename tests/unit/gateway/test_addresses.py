"""Paths lead to accounts, and follow every change of tenants and secrets."""

import pytest

from chatfold.gateway import addresses
from chatfold.gateway.outcomes import Outcome
from schemas.content import Platform
from schemas.tenants import Account
from tests.support.edge import ACME, OTHER, Edge, tenant, whatsapp


def channel(account: str) -> Account:
    return Account(provider="whapi", account=account, platform=Platform.WHATSAPP)


CHANNELS = (tenant("acme", channel("MANTIS-1")), tenant("other", channel("MANTIS-2")))


@pytest.mark.parametrize(
    ("path", "tenants", "account"),
    [
        ("/webhooks/whatsapp_cloud", {"acme", "other"}, ""),
        ("/webhooks/whatsapp_cloud/", {"acme", "other"}, ""),
        ("/webhooks/whatsapp_cloud/acme", {"acme"}, ""),
        ("/webhooks/whatsapp_cloud/acme/100/messages", {"acme"}, "100"),
    ],
)
def test_a_path_addresses_the_accounts_of_all_or_of_one(path, tenants, account):
    place = Edge().addresses.place(path)
    assert {owner.tenant for owner in place.address.addressed} == tenants
    assert place.account == account
    assert set(place.address.owners) == {"100", "101", "102", "300"}


@pytest.mark.parametrize(
    ("path", "tenants"),
    [
        ("/webhooks/whapi/messages", {"acme", "other"}),
        ("/webhooks/whapi/messages/post", {"acme", "other"}),
        ("/webhooks/whapi/acme/messages", {"acme"}),
        ("/webhooks/whapi/acme/MANTIS-1/messages/post", {"acme"}),
    ],
)
def test_what_a_provider_adds_to_its_address_by_itself_names_no_tenant(path, tenants):
    place = Edge(*CHANNELS).addresses.place(path)
    assert {owner.tenant for owner in place.address.addressed} == tenants


def test_what_one_provider_adds_may_be_a_tenant_that_another_does_not_find():
    edge = Edge(*CHANNELS)
    assert edge.addresses.place("/webhooks/whatsapp_cloud/messages") is Outcome.UNKNOWN_TENANT
    assert edge.addresses.place("/webhooks/whapi/nobody") is Outcome.UNKNOWN_TENANT


def test_a_tenant_called_like_what_a_provider_adds_goes_first():
    edge = Edge(*CHANNELS, tenant("messages", channel("MANTIS-3")))
    [owner] = edge.addresses.place("/webhooks/whapi/messages").address.addressed
    assert owner.tenant == "messages"


def test_the_secrets_of_an_address_are_distinct():
    edge = Edge()
    assert sorted(edge.addresses.place("/webhooks/whatsapp_cloud/acme").address.secrets) == [
        "acme's old secret",
        "acme's secret",
    ]


def test_a_new_tenant_is_found_and_a_removed_one_is_not():
    edge = Edge(ACME)
    assert edge.addresses.place("/webhooks/whatsapp_cloud/other") is Outcome.UNKNOWN_TENANT
    edge.know(ACME, OTHER)
    assert edge.addresses.place("/webhooks/whatsapp_cloud/other").address.addressed
    edge.know(OTHER)
    assert edge.addresses.place("/webhooks/whatsapp_cloud/acme") is Outcome.UNKNOWN_TENANT


def test_a_changed_secret_counts_at_once_when_it_is_forgotten(tmp_path):
    file = tmp_path / "secret"
    file.write_text("old")
    edge = Edge(tenant("acme", whatsapp("100")))
    account = whatsapp("100").model_copy(update={"secrets": (f"file:{file}",)})
    edge.know(tenant("acme", account))
    path = "/webhooks/whatsapp_cloud"
    assert edge.addresses.place(path).address.secrets == ("old",)
    file.write_text("new")
    assert edge.addresses.refresh_secrets()
    edge.addresses.forget()
    assert edge.addresses.place(path).address.secrets == ("new",)


def test_made_up_paths_do_not_fill_the_memory():
    edge = Edge()
    for number in range(3 * addresses.REMEMBERED_PATHS):
        edge.addresses.place(f"/webhooks/whatsapp_cloud/acme/{number}")
        edge.addresses.place(f"/webhooks/whatsapp_cloud/nobody-{number}")
        edge.addresses.place(f"/webhooks/{number}")
    assert len(edge.addresses._places) <= addresses.REMEMBERED_PATHS
    assert len(edge.addresses._built) == 1


def test_accounts_without_secret_are_shown():
    from prometheus_client import REGISTRY

    Edge().addresses.place("/webhooks/whatsapp_cloud")
    value = REGISTRY.get_sample_value(
        "chatfold_gateway_accounts_without_secret_count", {"provider": "whatsapp_cloud"}
    )
    assert value == 1
