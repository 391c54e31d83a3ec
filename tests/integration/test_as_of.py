"""A chat as it was: the log folded up to a moment is what the tables showed then."""

from collections import Counter
from datetime import timedelta

from msgspec.structs import replace

from chatfold.settings import Settings
from schemas import identity
from schemas.content import Platform
from schemas.envelope import Recorded
from schemas.facts import AliasLearned, ChatMerged, ChatStarted, Fact
from tests.support import facts, projecting
from tests.support.commands import run


def story(seed: int, facts_told: int) -> list[Recorded[Fact]]:
    """One chat's facts from its beginning."""
    log = facts.log(seed, chats=1, facts=facts_told)
    started = next(one for one in log if isinstance(one.data, ChatStarted))
    return [one for one in log if one.chat_id == started.chat_id]


async def test_a_chat_as_of_a_moment_is_what_the_tables_showed_then(settings: Settings) -> None:
    log = sorted(facts.log(31, chats=2, facts=400), key=lambda one: one.time)
    half = log[: len(log) // 2]
    moment = half[-1].time
    chat_id = Counter(one.chat_id for one in half).most_common(1)[0][0]
    await projecting.prepare(settings)
    await projecting.append(settings, half)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    shown = await run(settings, "chats", "show", chat_id)
    rest = [one for one in log if one.time > moment]
    await projecting.append(settings, rest, seed=1)
    then = await run(settings, "chats", "show", chat_id, "--as-of", moment.isoformat())
    for name, value in shown.items():
        if name not in {"conversations", "messages"}:
            assert then[name] == value, name
    for part in ("conversations", "messages"):
        assert len(then[part]) == len(shown[part]) > 0
        for found, wanted in zip(then[part], shown[part], strict=True):
            assert {name: found[name] for name in wanted} == wanted


async def test_before_its_first_fact_there_is_no_chat(settings: Settings) -> None:
    log = story(32, 20)
    before = log[0].time - timedelta(seconds=1)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    words = ("chats", "show", log[0].chat_id, "--as-of")
    await run(settings, *words, before.isoformat(), code=1)
    assert await run(settings, *words, log[0].time.isoformat())


async def test_a_merged_chat_is_shown_as_the_one_that_went_on_then(settings: Settings) -> None:
    told = story(33, 30)
    last, elder = told[-1], told[0]
    started = elder.data
    assert isinstance(started, ChatStarted)
    younger = identity.chat_of(
        tenant=elder.tenant,
        platform=Platform.WHATSAPP,
        account=started.account,
        platform_user_id="DE.1234",
    )
    later = last.time + timedelta(minutes=1)

    def fact(chat_id: str, sequence: int, data: Fact) -> Recorded[Fact]:
        own = f"{chat_id}{sequence}"
        return replace(elder, id=own, chat_id=chat_id, sequence=sequence, time=later, data=data)

    merged = ChatMerged(
        into=elder.chat_id,
        platform=Platform.WHATSAPP,
        platform_user_id="DE.1234",
        provider=started.provider,
        account=started.account,
        is_group=False,
    )
    learned = fact(elder.chat_id, last.sequence + 1, AliasLearned(platform_user_id="DE.1234"))
    await projecting.prepare(settings)
    await projecting.append(settings, [*told, learned, fact(younger, 1, merged)])
    words = ("chats", "show", younger, "--as-of")
    found = await run(settings, *words, later.isoformat())
    assert (found["chat_id"], found["also_known_as"]) == (elder.chat_id, ["DE.1234"])
    await run(settings, *words, last.time.isoformat(), code=1)
