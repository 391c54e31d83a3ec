"""Every reference of a tenant is found and changed, wherever it stands."""

from collections.abc import Iterator

from chatfold.tenancy.references import HOLDERS, references, with_references
from schemas.content import Platform
from schemas.tenants import REFERENCE, Account, Models, Tenant

ACME = Tenant(
    tenant_id="acme",
    name="Acme",
    accounts=(
        Account(
            provider="whatsapp_cloud",
            account="111",
            platform=Platform.WHATSAPP,
            credentials={"access_token": "env:TOKEN"},
            secrets=("env:ONE", "file:/two"),
            verify_token="env:VERIFY",
        ),
    ),
    models=Models(speech_api_key="env:SPEECH"),
)


def test_every_reference_is_found_with_its_place():
    assert dict(references(ACME)) == {
        "accounts[whatsapp_cloud/111].credentials.access_token": "env:TOKEN",
        "accounts[whatsapp_cloud/111].secrets[0]": "env:ONE",
        "accounts[whatsapp_cloud/111].secrets[1]": "file:/two",
        "accounts[whatsapp_cloud/111].verify_token": "env:VERIFY",
        "models.api_key": "env:OPENAI_API_KEY",
        "models.speech_api_key": "env:SPEECH",
    }


def test_changing_them_changes_nothing_else():
    changed = with_references(ACME, lambda where, reference: f"env:{len(where)}")
    assert [reference for _, reference in references(changed)] == [
        f"env:{len(where)}" for where, _ in references(ACME)
    ]
    back = iter([reference for _, reference in references(ACME)])
    assert with_references(changed, lambda *_: next(back)) == ACME


def test_no_field_that_holds_a_reference_is_overlooked():
    schema = Tenant.model_json_schema()
    named = {
        name
        for model in (schema, *schema["$defs"].values())
        for name, field in model.get("properties", {}).items()
        if REFERENCE in set(_patterns(field))
    }
    assert named == HOLDERS


def _patterns(node: object) -> Iterator[str]:
    match node:
        case dict():
            if "pattern" in node:
                yield node["pattern"]
            for one in node.values():
                yield from _patterns(one)
        case list():
            for one in node:
                yield from _patterns(one)
