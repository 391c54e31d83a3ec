"""docker-compose.yml, Dockerfile and Procfile give what `chatfold stack` and `run` give."""

from pathlib import Path

import pytest
import yaml

from chatfold.settings import Settings
from chatfold.stack import configuration
from chatfold.stack.kafka import JVM_OPTIONS

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
SERVERS = {"kafka", "postgres", "valkey"}
ONCE = {"topics", "migrations"}
ROLES = {
    "gateway",
    "decider",
    "delivery",
    "reply",
    "media",
    "projector",
    "views",
    "archiver",
    "api",
}

# What only an address or a folder makes different between the two.
PLACES = {
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "controller.quorum.voters",
    "log.dirs",
}


def _kafka_properties():
    environment = dict(SERVICES["kafka"]["environment"])
    assert environment.pop("CLUSTER_ID") == configuration.KAFKA_CLUSTER_ID
    assert environment.pop("KAFKA_HEAP_OPTS") in JVM_OPTIONS
    names = {name: name.removeprefix("KAFKA_").lower().replace("_", ".") for name in environment}
    return {names[name]: value for name, value in environment.items()}


def test_the_images_have_the_versions_of_the_stack() -> None:
    assert {name: SERVICES[name]["image"] for name in SERVERS} == {
        "kafka": f"apache/kafka:{configuration.KAFKA_VERSION}",
        "postgres": f"postgres:{configuration.POSTGRES_VERSION}",
        "valkey": f"valkey/valkey:{configuration.VALKEY_VERSION}",
    }


def test_the_brokers_have_the_same_settings() -> None:
    properties = _kafka_properties()
    assert properties.keys() - configuration.KAFKA_PROPERTIES.keys() == PLACES
    assert {
        name: value for name, value in properties.items() if name not in PLACES
    } == configuration.KAFKA_PROPERTIES


def test_postgres_has_the_same_settings() -> None:
    options = [f"{name}={value}" for name, value in configuration.POSTGRES_SETTINGS.items()]
    command = SERVICES["postgres"]["command"]
    assert command == ["postgres", *(word for option in options for word in ("-c", option))]
    environment = SERVICES["postgres"]["environment"]
    assert environment["POSTGRES_USER"] == configuration.POSTGRES_ROLE
    assert environment["POSTGRES_DB"] == configuration.POSTGRES_DATABASE
    assert environment["POSTGRES_INITDB_ARGS"].split() == [*configuration.POSTGRES_INITDB]


def test_valkey_has_the_same_settings() -> None:
    settings = configuration.VALKEY_SETTINGS.items()
    options = [word for name, value in settings for word in (f"--{name}", value)]
    assert SERVICES["valkey"]["command"] == ["valkey-server", *options]


def test_the_servers_are_published_on_loopback_at_the_ports_of_the_stack() -> None:
    settings = Settings(_env_file=None)
    published = {name: SERVICES[name]["ports"][0].rsplit(":", 1)[0] for name in SERVERS}
    assert published == {
        "kafka": f"127.0.0.1:{settings.kafka_port}",
        "postgres": f"127.0.0.1:{settings.postgres_port}",
        "valkey": f"127.0.0.1:{settings.redis_port}",
    }


def test_every_role_runs_from_the_one_image() -> None:
    assert SERVICES.keys() == SERVERS | ONCE | ROLES
    assert {SERVICES[name]["image"] for name in ONCE | ROLES} == {"chatfold"}
    assert {name: SERVICES[name]["command"] for name in ROLES} == {
        role: ["run", role] for role in ROLES
    }


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_waits_for_what_it_needs_and_tells_its_health(role: str) -> None:
    service = SERVICES[role]
    assert service["depends_on"].keys() == ONCE | {"valkey"}
    assert "urlopen" in service["healthcheck"]["test"][-1]
    assert service["environment"]["CHATFOLD_KAFKA_BOOTSTRAP"] == "kafka:9092"


def test_only_what_needs_a_secret_waits_to_be_asked_for() -> None:
    assert {name for name, one in SERVICES.items() if "profiles" in one} == {"api"}


def test_every_server_has_a_health_check() -> None:
    assert all(SERVICES[name]["healthcheck"]["test"] for name in SERVERS)


def test_the_procfile_starts_every_role() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert set(lines) == {f"{role}: chatfold run {role}" for role in ROLES}


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001"]
