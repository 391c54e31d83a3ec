"""Topics and roles, from the table of the pipeline."""

from datetime import timedelta
from inspect import cleandoc

from docs.generation import Documents
from docs.generation.markdown import code, codes, page, table
from docs.generation.messages import ABOUT, BESIDE_ROLES, HELD, topics
from schemas.topics import FOREVER, Groups, Topics, TopicSpec
from streams import topology
from streams.topology import PORTS, Role

TOPICS, GROUPS = Topics(), Groups()
ROLES = topology.roles(TOPICS, GROUPS)

ABOUT_TOPICS = """\
Names are in `schemas/topics.py` only; `chatfold` at their beginning is `CHATFOLD_TOPIC_PREFIX`.
`chatfold topics apply` creates them all with the same number of partitions
(`CHATFOLD_PARTITIONS`), which is fixed at birth. The key is the chat's id (the tenant's in
`tenants`; none's in `seen`) and the partitioner is murmur2, Kafka's own, so that a chat is in
the partition of the same number everywhere. Values are JSON, but for what the decider keeps for
itself in `chat-state` and `seen`; a field that is at the default of its type is left out. Types
link to their JSON Schemas; [asyncapi.yaml](asyncapi.yaml) has all of it for
tools."""
ABOUT_ROLES = """\
A role is a kind of process: `chatfold run ROLE`. Start as many of each as you like; those with a
group share its partitions. Every role serves `/metrics`, `/healthz` and `/readyz` on its port. The
table is `streams/topology.py`."""


def documents() -> Documents:
    """The pages of topics and roles."""
    return {"docs/reference/topics.md": _topics_page(), "docs/reference/roles.md": _roles_page()}


def holds(topic: str) -> str:
    """What a topic holds, by the name of its property in `Topics`."""
    return (getattr(Topics, topic).__doc__ or "").partition("\n")[0]


def spec(topic: str) -> TopicSpec:
    """A topic's settings, by the name of its property in `Topics`."""
    name = getattr(TOPICS, topic)
    return next(one for one in TOPICS.specs() if one.name == name)


def _topics_page() -> str:
    heads = ("topic", "holds", "kept", "written by", "read by")
    rows = [
        (
            code(name),
            holds(topic),
            _kept(spec(topic)),
            codes(_writers(topic)),
            codes(_readers(name)),
        )
        for topic, name in topics(TOPICS).items()
    ]
    types = [f"## `{getattr(TOPICS, topic)}`\n\n{_types(topic)}" for topic in HELD]
    return page("Topics", ABOUT_TOPICS, table(heads, rows), *types)


def _topic_row(topic: str, name: str) -> tuple[str, ...]:
    writers, readers = codes(_writers(topic)), codes(_readers(name))
    return code(name), holds(topic), _kept(spec(topic)), writers, readers


def _kept(one: TopicSpec) -> str:
    if one.compacted:
        return "the last of each key"
    if one.retention_ms == FOREVER:
        return "for ever"
    return f"{timedelta(milliseconds=one.retention_ms).days} days"


def _writers(topic: str) -> list[str]:
    roles = [role.name for role in ROLES if getattr(TOPICS, topic) in role.writes]
    return [*roles, BESIDE_ROLES[topic]] if topic in BESIDE_ROLES else roles


def _readers(name: str) -> list[str]:
    return [role.name for role in ROLES if name in role.reads]


def _types(topic: str) -> str:
    return "\n".join(f"* {_linked(name)}" for name in HELD[topic])


def _linked(name: str) -> str:
    return f"`{name}`: {ABOUT[name]}" if name in ABOUT else f"[{name}](schemas/{name}.json)"


def _roles_page() -> str:
    heads = ("role", "what it does", "reads", "writes", "alone writes", "shares", "group", "port")
    picture = cleandoc(topology.__doc__ or "")
    return page("Roles", ABOUT_ROLES, f"```text\n{picture}\n```", table(heads, map(_row, ROLES)))


def _row(role: Role) -> tuple[str, ...]:
    return (
        code(role.name),
        role.what,
        codes(role.reads),
        codes(role.writes),
        ", ".join(role.owns),
        ", ".join(role.shares),
        code(role.group),
        str(PORTS[role.name]),
    )
