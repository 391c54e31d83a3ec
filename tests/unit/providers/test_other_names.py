"""By which other names a provider tells of a chat, and where the chat went."""

import pytest

from providers.protocol import Incoming
from providers.registry import PROVIDERS
from tests.support.fixtures import FOLDERS, WEBHOOKS, load

PHONE, USER_ID, NEW_ID = "4915112345678", "DE.111", "DE.222"


def said(provider: str, name: str) -> tuple[str, Incoming]:
    (item,) = PROVIDERS[provider].split(load(WEBHOOKS / FOLDERS[provider] / name))
    return item.platform_user_id, PROVIDERS[provider].parse(item.kind, item.fragment)


def whatsapp(field: str, **value: object) -> tuple[str, Incoming]:
    metadata = {"display_phone_number": "15550001111", "phone_number_id": "100"}
    whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    body = {"entry": [{"id": "1", "changes": [{"field": field, "value": whole}]}]}
    (item,) = PROVIDERS["whatsapp_cloud"].split({"object": "whatsapp_business_account"} | body)
    return item.platform_user_id, PROVIDERS["whatsapp_cloud"].parse(item.kind, item.fragment)


def text(**more: object) -> dict:
    told = {"id": "wamid.1", "timestamp": "1767614399", "type": "text", "text": {"body": "Hi"}}
    return {name: one for name, one in {**told, **more}.items() if one is not None}


@pytest.mark.parametrize("from_user_id", [USER_ID, None])
def test_who_writes_by_phone_is_also_known_by_the_business_scoped_id(from_user_id):
    contacts = [{"wa_id": PHONE, "user_id": USER_ID}]
    message = text(**{"from": PHONE, "from_user_id": from_user_id})
    chat, told = whatsapp("messages", contacts=contacts, messages=[message])
    assert (chat, told.also_known_as) == (PHONE, (USER_ID,))


def test_who_has_only_a_business_scoped_id_has_no_other_name():
    contacts = [{"user_id": USER_ID}]
    message = text(from_user_id=USER_ID)
    chat, told = whatsapp("messages", contacts=contacts, messages=[message])
    assert (chat, told.also_known_as) == (USER_ID, ())


def test_a_member_of_a_group_does_not_name_the_group():
    contacts = [{"wa_id": PHONE, "user_id": USER_ID}]
    message = text(**{"from": PHONE, "from_user_id": USER_ID, "group_id": "G1"})
    chat, told = whatsapp("messages", contacts=contacts, messages=[message])
    assert (chat, told.also_known_as) == ("G1", ())


def test_an_echo_names_the_customer_and_never_the_business():
    echo = text(**{"from": "15550001111", "to": PHONE, "to_user_id": USER_ID})
    chat, told = whatsapp("smb_message_echoes", message_echoes=[echo])
    assert (chat, told.also_known_as) == (PHONE, (USER_ID,))
    turned = text(**{"from": PHONE, "to": "15550001111", "to_user_id": "DE.business"})
    chat, told = whatsapp("smb_message_echoes", message_echoes=[turned])
    assert (chat, told.also_known_as) == (PHONE, ())


def test_a_changed_number_is_where_the_chat_goes():
    name = "system__vercel__system-message-user-changed-number.json"
    chat, told = said("whatsapp_cloud", name)
    assert chat == "15551234567"
    assert told.also_known_as == ("15557654321", "US.24817305912873645029")
    assert told.moved_to == "15557654321"


def test_a_changed_identity_is_no_other_name():
    _, told = said("whatsapp_cloud", "system__david-lev__system-identity-change.json")
    assert (told.also_known_as, told.moved_to) == ((), None)


def test_a_replaced_business_scoped_id_leaves_a_phone_where_it_is():
    name = "account-event__vercel__bsuid-rotation-user-id-update.json"
    chat, told = said("whatsapp_cloud", name)
    assert chat == "15557654321"
    assert told.also_known_as == ("US.13491208655302741918", "US.24817305912873645029")
    assert told.moved_to is None


def test_without_a_phone_the_new_business_scoped_id_is_where_the_chat_goes():
    update = {"user_id": {"previous": USER_ID, "current": NEW_ID}, "timestamp": "1700000003"}
    chat, told = whatsapp("user_id_update", user_id_update=[update])
    assert (chat, told.also_known_as, told.moved_to) == (USER_ID, (NEW_ID,), NEW_ID)


def test_a_group_that_became_another_goes_there():
    chat, told = said("telegram", "migrate-to-chat-id__teloxide__message-issue-427.json")
    assert chat == "-599075523"
    assert (told.also_known_as, told.moved_to) == (("-1001555296434",), "-1001555296434")
    assert told.is_group


def test_the_group_that_it_became_names_the_old_one():
    chat = {"id": -1001555296434, "type": "supergroup", "title": "test"}
    moved = {"message_id": 1, "chat": chat, "date": 1, "migrate_from_chat_id": -599075523}
    (item,) = PROVIDERS["telegram"].split({"update_id": 1, "message": moved})
    told = PROVIDERS["telegram"].parse(item.kind, item.fragment)
    assert item.platform_user_id == "-1001555296434"
    assert (told.also_known_as, told.moved_to) == (("-599075523",), "-1001555296434")


def test_a_group_is_no_other_name_of_itself():
    _, told = said("telegram", "migrate-to-chat-id__rubenlagus__update-259894307-12.json")
    assert told.also_known_as == ()
