"""What the guides show works as it stands there."""

import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from chatfold import handlers, tenancy
from docs.generation import ROOT
from providers.registry import PROVIDERS
from schemas.facts import ConversationClosed, ReplyGenerated
from tests.support.story import Story, policy

PAGES = sorted(
    page
    for page in (*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"))
    if not any(part.startswith(".") for part in page.relative_to(ROOT).parts)
)
NIGHT = datetime(2026, 1, 5, 20, tzinfo=UTC)


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def bot(monkeypatch) -> ModuleType:
    """The handlers of the guide as a module that can be imported."""
    module = ModuleType("a_teams_bot")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for code in blocks("howto/write-a-handler.md", "python"):
        exec(code, vars(module))  # the guide's own words
    return module


def test_the_guides_own_tests_pass(bot):
    tests = [thing for name, thing in vars(bot).items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_guides_function_answers_in_a_conversation(bot):
    story = Story(policy(handlers.load("a_teams_bot:hello")))
    story.says("hello")
    story.says("something else")
    assert story.replies[0] == "Hello Ada Lovelace, this is message 1."
    assert story.replies[1].startswith("Echo: something else")
    (said, _) = (fact for fact in story.facts if isinstance(fact, ReplyGenerated))
    assert said.handler == "a_teams_bot:hello"


def test_the_guides_class_answers_at_night_and_closes_the_conversation(bot):
    story = Story(policy(handlers.load("a_teams_bot:OpeningHours")), now=NIGHT)
    story.says("hello?")
    assert story.replies == ["We are back at 09:00 UTC."]
    story.report()
    assert any(isinstance(fact, ConversationClosed) for fact in story.facts)


def test_the_guides_tenant_can_be_applied():
    tenant, *_ = blocks("howto/write-a-handler.md", "toml")
    (account,) = blocks("howto/add-a-provider.md", "toml")
    (parsed,) = tenancy.parse(tenant + "\n" + account, PROVIDERS)
    tenancy.check([parsed], [], PROVIDERS)
    assert parsed.handlers == ("acme_bot.hours:OpeningHours", "hello")


@pytest.mark.parametrize("page", ["howto/tenants.md", "howto/models.md"])
def test_the_guides_tenant_with_models_can_be_applied(page):
    (text,) = blocks(page, "toml")
    (parsed,) = tenancy.parse(text, PROVIDERS)
    tenancy.check([parsed], [], PROVIDERS)
    assert parsed.responder == "llm"
    assert parsed.models.chat in parsed.models.prices


def test_the_guides_entry_point_is_in_the_group_that_is_searched():
    _, project = blocks("howto/write-a-handler.md", "toml")
    assert list(tomllib.loads(project)["project"]["entry-points"]) == [handlers.GROUP]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = (one.partition("#")[0] for one in targets if "://" not in one)
    assert [one for one in local if one and not (page.parent / one).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path):
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    packages = "chatfold|streams|projections|providers|schemas|migrations|tests|docs"
    named = set(re.findall(rf"`((?:{packages})/[\w./-]+)`", text))
    assert sorted(one for one in named if not (ROOT / one).exists()) == []


def test_the_tests_that_hold_the_guarantees_exist():
    text = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 10
    missing = [
        name for file, name in named if f"def {name}(" not in (ROOT / file).read_text("utf-8")
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_metrics_and_settings_that_are_named_exist(page: Path):
    from chatfold.settings import Settings, variable
    from docs.generation import metrics

    text = page.read_text(encoding="utf-8")
    known = {one.name for module in metrics.modules() for one in metrics.metrics(module)}
    named = set(re.findall(r"\bchatfold_[a-z]+_[a-z_]+(?:seconds|total|records|bytes)\b", text))
    assert named <= known
    variables = {variable(field) for field in Settings.model_fields} | {"CHATFOLD_KEEP_STACK"}
    settings = set(re.findall(r"\bCHATFOLD_[A-Z_]+[A-Z]\b", text))
    assert settings <= variables | {"CHATFOLD_TEST_HOME", "CHATFOLD_FAILPOINT"}
