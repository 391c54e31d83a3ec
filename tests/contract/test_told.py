"""What every provider's webhooks tell: kinds, statuses, echoes, edits, deletions, reactions."""

import copy
from collections.abc import Iterator

import pytest

from providers.protocol import Deletion, Edit, Message, Notice, StatusReport, Webhook
from providers.registry import PROVIDERS
from providers.sendable import FILES
from schemas import codec
from schemas.content import MessageKind, Status
from schemas.inputs import ItemKind
from tests.contract.features import FEATURES, Told, bodies, shown, told
from tests.contract.provider_cases import CASES
from tests.support.fixtures import sample_files, webhook_files
from tests.support.totality import survive

WORD = "Op3n-Sesame-0123456789"


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return PROVIDERS[request.param]


@pytest.fixture
def case(provider):
    return CASES[provider.name]


@pytest.fixture
def all_told(provider, case) -> list[Told]:
    return list(told(provider, case))


def of_kind(all_told: list[Told], *kinds: ItemKind) -> Iterator[tuple[Told, object]]:
    return ((one, one.said) for one in all_told if one.item.kind in kinds)


def again(provider, one: Told, case) -> list[str]:
    """The names of the items of the body that `one` is of, when it comes once more."""
    items = provider.split(codec.loads(codec.dumps(bodies(provider, case)[one.file])))
    return [item.message_id for item in items]


def test_what_a_provider_can_tell_is_shown_by_a_body_and_the_rest_is_named(provider, case):
    assert case.lacks <= set(FEATURES)
    assert set(FEATURES) - set(shown(provider, case)) == case.lacks


def test_no_body_of_a_case_has_the_name_of_a_sample(provider, case):
    assert len(bodies(provider, case)) == len(sample_files(provider.name)) + len(case.also)


def test_every_kind_of_item_becomes_what_it_is_called(all_told):
    becomes = {
        ItemKind.MESSAGE: Message,
        ItemKind.REACTION: Message,
        ItemKind.ECHO: Message,
        ItemKind.STATUS: StatusReport,
        ItemKind.EDIT: Edit,
        ItemKind.DELETE: Deletion,
        ItemKind.SYSTEM: Notice,
    }
    for one in all_told:
        if one.item.kind is not ItemKind.UNRECOGNISED:
            assert isinstance(one.said, becomes[one.item.kind]), one.file


def test_every_body_survives_the_log_and_a_redelivery(provider, case):
    for body in bodies(provider, case).values():
        once = survive(provider, body)
        assert once == survive(provider, codec.loads(codec.dumps(body)))


def test_the_short_way_of_reading_keeps_the_same(provider, case):
    paths = [*sample_files(provider.name), *webhook_files(provider.name)]
    raws = [path.read_bytes() for path in paths] + [codec.dumps(one) for one in case.also.values()]
    for raw in raws:
        split = provider.split(codec.loads(raw))
        assert written(provider.read(raw)) == written(split)


def written(items):
    """Items as they are in the log."""
    return [codec.loads(codec.dumps(item)) for item in items]


def test_no_part_of_any_body_is_so_needed_that_its_lack_raises(provider, case):
    for name, whole in bodies(provider, case).items():
        for place in list(places(whole)):
            body = copy.deepcopy(whole)
            remove(body, place)
            items = provider.split(body)
            assert items, (name, place)
            for item in items:
                provider.parse(item.kind, item.fragment)


def places(value, way=()):
    """Where there is something; of a long list only the first."""
    keys = value if isinstance(value, dict) else [0] if isinstance(value, list) and value else ()
    for key in keys:
        yield (*way, key)
        yield from places(value[key], (*way, key))


def remove(body, place):
    for key in place[:-1]:
        body = body[key]
    del body[place[-1]]


def test_a_file_is_named_so_that_it_can_be_asked_for(provider, case, all_told):
    for one, said in of_kind(all_told, ItemKind.MESSAGE):
        if said.content.kind not in FILES or said.content.text:
            continue  # some stickers are but a sign
        assert said.content.media is not None, one.file
        exchange = provider.fetch_media(said.content.media, case.credentials, case.base_url, 10**8)
        assert next(exchange).url.startswith("https://"), one.file
        exchange.close()


def test_a_place_has_coordinates_a_contact_a_name_and_a_choice_its_words(all_told):
    for one, said in of_kind(all_told, ItemKind.MESSAGE):
        told, words = said.content.structured or {}, said.content.text
        match said.content.kind:
            case MessageKind.LOCATION:
                assert {"latitude", "longitude", "map_url"} <= set(told), one.file
            case MessageKind.CONTACT:
                assert all(card["name"] for card in told["contacts"]), one.file
            case MessageKind.INTERACTIVE:
                assert words, one.file
                assert told.get("type"), one.file
            case MessageKind.UNSUPPORTED:
                assert told.get("type"), one.file
            case MessageKind.TEXT:
                assert words, one.file


def test_a_reaction_tells_its_sign_and_its_message_and_one_taken_back_no_sign(all_told):
    signs = set()
    for one, said in of_kind(all_told, ItemKind.REACTION):
        assert said.content.kind is MessageKind.REACTION
        assert said.content.structured["target"], one.file
        assert said.content.text == (said.content.structured["emoji"] or None)
        signs.add(bool(said.content.text))
    assert signs == {True, False}


def test_a_status_is_of_a_message_has_a_time_or_none_and_a_place_of_its_own(all_told):
    statuses = list(of_kind(all_told, ItemKind.STATUS))
    for one, said in statuses:
        assert isinstance(said.status, Status)
        assert said.platform_message_id
        assert said.platform_message_id in one.item.message_id
        assert said.reported_at is None or said.reported_at.tzinfo is not None
    of = {one.item.message_id: (said.platform_message_id, said.status) for one, said in statuses}
    assert all(of[one.item.message_id][1] is said.status for one, said in statuses)


def test_an_echo_is_of_the_business_and_its_person_is_the_customer(all_told):
    for one, said in of_kind(all_told, ItemKind.ECHO):
        assert said.from_human is not said.is_own, one.file
        assert said.speaker in {None, one.item.platform_user_id}
        assert said.person.platform_user_id == one.item.platform_user_id.rpartition(":")[2]
        assert said.person.platform_user_id != one.item.account
        assert said.platform_message_id == one.item.message_id


def test_what_a_person_wrote_is_not_taken_for_the_business(all_told):
    for one, said in of_kind(all_told, ItemKind.MESSAGE, ItemKind.REACTION):
        assert (said.from_human, said.is_own) == (False, False), one.file


def test_an_edit_tells_its_message_and_its_new_words(provider, case, all_told):
    edits = list(of_kind(all_told, ItemKind.EDIT))
    assert edits
    written = {one.said.platform_message_id for one in all_told if isinstance(one.said, Message)}
    for one, said in edits:
        assert said.target in written, one.file
        assert said.content.text or said.content.caption
        assert one.item.message_id in again(provider, one, case)
    assert len({one.item.message_id for one, _ in edits}) == len(edits)


def test_a_deletion_tells_its_message(all_told):
    deletions = list(of_kind(all_told, ItemKind.DELETE))
    assert deletions
    written = {one.said.platform_message_id for one in all_told if isinstance(one.said, Message)}
    for one, said in deletions:
        assert said.target in written, one.file


def test_in_a_group_the_group_is_the_chat_and_somebody_speaks(all_told):
    for one, said in of_kind(all_told, ItemKind.MESSAGE):
        assert said.is_group is (said.speaker is not None), one.file
        if said.is_group:
            assert said.speaker == said.person.platform_user_id
            assert one.item.platform_user_id != said.speaker


def test_other_ids_of_a_person_are_none_that_the_chat_already_has(all_told):
    for one in all_told:
        assert one.item.platform_user_id not in getattr(one.said, "also_known_as", ()), one.file


def test_a_notice_has_a_word_and_no_answer_is_owed(all_told):
    for one, said in of_kind(all_told, ItemKind.SYSTEM):
        assert said.notice, one.file


def test_what_nobody_foresaw_is_kept_whole_with_a_reason(provider, case, all_told):
    (one,) = [one for one in all_told if one.file == "unknown_shape"]
    assert one.item.kind is ItemKind.UNRECOGNISED
    assert one.said.reason
    assert len(codec.dumps(one.item.fragment)) > 20


def test_what_opens_something_never_enters_the_log(provider, case):
    for body in case.secret_words(WORD):
        for item in (*provider.split(body), *provider.read(codec.dumps(body))):
            assert WORD not in codec.dumps(item.fragment).decode()
            assert WORD not in item.message_id
            kept = codec.loads(codec.dumps(item.fragment))
            assert WORD not in repr(provider.parse(item.kind, kept))


def test_the_proof_of_a_webhook_is_in_none_of_its_items(provider, case):
    for body in bodies(provider, case).values():
        raw = codec.dumps(body)
        webhook = Webhook(raw, dict(provider.sign(raw, WORD)))
        assert provider.verify(webhook, WORD)
        proofs = [WORD, *webhook.headers.values()]
        kept = b"".join(codec.dumps(item.fragment) for item in provider.read(raw)).decode()
        assert not any(proof in kept for proof in proofs)
