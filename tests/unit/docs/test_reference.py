"""The generated reference is current, valid, and leaves nothing out."""

from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import jsonschema
import orjson
import pytest
import yaml
from prometheus_client import REGISTRY

import chatfold
import projections
import streams
from chatfold.settings import Settings, variable
from docs import generate
from docs.generation import ROOT, metrics, providers, schemas, settings
from docs.generation.messages import HELD, TO_INBOX, topics
from providers.registry import PROVIDERS
from schemas import codec
from schemas.topics import Topics
from tests.contract.features import FEATURES
from tests.contract.provider_cases import CASES
from tests.support import golden

SCHEMAS = schemas.schemas()
ASYNCAPI = yaml.safe_load((ROOT / "docs/reference/asyncapi.yaml").read_text(encoding="utf-8"))


def test_no_generated_document_is_stale():
    assert generate.stale(generate.documents()) == []


def test_a_stale_document_is_named_with_the_way_out(monkeypatch, capsys):
    monkeypatch.setattr(generate, "documents", lambda: {"docs/reference/topics.md": "old"})
    assert generate.main(["--check"]) == 1
    assert "docs/reference/topics.md is stale: run `make docs`" in capsys.readouterr().err


def test_a_missing_a_changed_and_a_left_over_document_are_stale(tmp_path: Path):
    folder = tmp_path / schemas.FOLDER
    folder.mkdir(parents=True)
    for name in ("kept", "changed", "left-over"):
        (folder / name).write_text(name)
    made = {"kept": "kept", "changed": "new", "missing": "new"}
    made = {f"{schemas.FOLDER}/{name}": text for name, text in made.items()}
    stale = [Path(path).name for path in generate.stale(made, tmp_path)]
    assert stale == ["changed", "left-over", "missing"]
    generate.write(made, tmp_path)
    assert generate.stale(made, tmp_path) == []


@pytest.mark.parametrize("name", sorted(golden.published()))
def test_a_golden_value_is_valid_by_its_schema(name):
    value = orjson.loads(golden.read(name).value)
    validator = validator_of(SCHEMAS[name])
    validator.validate(value)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(value | {"surprise": 1})


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def validator_of(schema) -> jsonschema.Draft202012Validator:
    formats = jsonschema.FormatChecker()
    return jsonschema.Draft202012Validator(schema, format_checker=formats)


def test_the_asyncapi_document_is_valid_by_the_official_schema():
    official = ROOT / "tests" / "fixtures" / "asyncapi" / "3.0.0.json"
    jsonschema.Draft7Validator(orjson.loads(official.read_bytes())).validate(ASYNCAPI)


def test_every_reference_of_the_asyncapi_document_leads_somewhere():
    for reference in references(ASYNCAPI):
        file, _, pointer = reference.partition("#")
        if file:
            assert (ROOT / "docs/reference" / file).exists(), reference
        node = ASYNCAPI
        for part in pointer.strip("/").split("/") if pointer else ():
            node = node[part]


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from references(one)


@pytest.mark.parametrize("name", sorted(golden.published() & set(codec.TYPES)))
def test_golden_headers_are_valid_by_the_asyncapi_document(name):
    headers = {header: text.decode() for header, text in golden.read(name).headers}
    schema = ASYNCAPI["components"]["messages"][name]["headers"] | {
        "components": ASYNCAPI["components"]
    }
    validator = validator_of(schema)
    validator.validate(headers)
    assert set(headers) <= set(ASYNCAPI["components"]["schemas"]["ChatEvent"]["properties"])
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(headers | {"ce_type": "Other.v1"})


def test_every_topic_and_every_type_is_documented():
    specified = {spec.name for spec in Topics().specs()}
    assert set(topics(Topics()).values()) == specified
    assert set(codec.TYPES) <= {name for names in HELD.values() for name in names}
    assert {name for names in TO_INBOX.values() for name in names} == set(codec.INPUTS)


def test_the_providers_page_tells_of_every_provider_kind_and_refusal():
    page = (ROOT / "docs/reference/providers.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    assert all(len(row) == len(PROVIDERS) + 1 for row in rows)
    titles = {row[0].removeprefix("| ") for row in rows}
    assert titles >= set(FEATURES) | set(providers.SENT) | set(providers.BESIDE)
    known = {code for case in CASES.values() for _, code in case.refusals}
    assert {str(code) for code in known} <= {
        title.split("`")[1] for title in titles if "`" in title
    }
    assert all(f"`{name}`" in page for name in PROVIDERS)


def test_what_a_provider_cannot_tell_is_no_in_its_column():
    page = (ROOT / "docs/reference/providers.md").read_text(encoding="utf-8")
    told = page.partition("## What is sent")[0].splitlines()
    rows = {row[0]: row[1:] for row in map(columns, told) if len(row) > 1}
    for place, name in enumerate(PROVIDERS):
        lacking = {title for title in FEATURES if rows[title][place] == "no"}
        assert lacking == CASES[name].lacks


def columns(line: str) -> list[str]:
    return [one.strip() for one in line.strip("|").split(" | ")]


def test_every_metric_is_documented_with_help():
    for package in (chatfold, projections, streams):
        for module in walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    declared = {one.name for one in REGISTRY.collect() if one.name.startswith("chatfold_")}
    told = [one for module in metrics.modules() for one in metrics.metrics(module)]
    assert {one.name.removesuffix("_total") for one in told} == declared
    assert all(one.what for one in told)


def test_every_setting_is_in_the_example_and_the_example_changes_nothing():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert all(not line or line.startswith("#") for line in lines)
    named = {line[1:].partition("=")[0] for line in lines if line[1:2].strip() and "=" in line}
    assert {variable(field) for field in Settings.model_fields} <= named
    assert all(one.what for one in settings.settings())


def test_the_defaults_of_the_example_are_the_defaults(tmp_path: Path, monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    known = {variable(field) for field in Settings.model_fields} - {"CHATFOLD_CACHE"}
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    uncommented = (line[1:] for line in lines if line[1:].partition("=")[0] in known)
    file = tmp_path / ".env"
    file.write_text("\n".join(line for line in uncommented if not line.endswith("=")))
    assert Settings(_env_file=file) == Settings(_env_file=None)
