"""What ships in `samples/` is what the names of the files say."""

import pytest

from providers.registry import PROVIDERS
from tests.support.fixtures import load, sample_files

KINDS = {
    "whatsapp_cloud": {
        "account_update": "system",
        "audio": "message:audio",
        "batch": " ".join(["message:text"] * 12 + ["status"]),
        "call": "system",
        "contact": "message:contact",
        "delete": "delete",
        "document": "message:document",
        "echo": "echo:text",
        "echo_delete": "delete",
        "echo_edit": "edit",
        "edit": "edit",
        "image": "message:image",
        "interactive_button": "message:interactive",
        "interactive_form": "message:interactive",
        "interactive_list": "message:interactive",
        "location": "message:location",
        "order": "message:order",
        "reaction": "reaction:reaction",
        "reaction_removed": "reaction:reaction",
        "status_delivered": "status",
        "status_failed": "status",
        "status_played": "status",
        "status_read": "status",
        "status_sent": "status",
        "sticker": "message:sticker",
        "system_number_changed": "system",
        "template_button": "message:interactive",
        "text": "message:text",
        "text_in_group": "message:text",
        "text_reply": "message:text",
        "text_username_only": "message:text",
        "unknown_shape": "unrecognised",
        "unknown_type": "message:unsupported",
        "unsupported": "message:unsupported",
        "user_id_update": "system",
        "video": "message:video",
        "voice": "message:voice",
    },
    "telegram": {
        "animation": "message:video",
        "audio": "message:audio",
        "business_text": "message:text",
        "channel_post": "echo:text",
        "contact": "message:contact",
        "contact_own": "message:contact",
        "delete": "delete delete",
        "dice": "message:unsupported",
        "document": "message:document",
        "echo": "echo:text",
        "edit": "edit",
        "image": "message:image",
        "image_in_album": "message:image",
        "interactive_button": "message:interactive",
        "location": "message:location",
        "poll": "message:unsupported",
        "reaction": "reaction:reaction",
        "reaction_removed": "reaction:reaction",
        "sticker": "message:sticker",
        "system_blocked": "system",
        "system_group_moved": "system",
        "system_new_members": "system",
        "text": "message:text",
        "text_command": "message:text",
        "text_in_group": "message:text",
        "text_reply": "message:text",
        "unknown_shape": "unrecognised",
        "unknown_type": "message:unsupported",
        "venue": "message:location",
        "video": "message:video",
        "video_note": "message:video",
        "voice": "message:voice",
    },
}


def _kinds(provider, path) -> str:
    told = []
    for item in provider.split(load(path)):
        content = getattr(provider.parse(item.kind, item.fragment), "content", None)
        is_message = content is not None and item.kind != "edit"
        told.append(f"{item.kind}:{content.kind}" if is_message else item.kind.value)
    return " ".join(told)


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_sample_is_of_the_kind_that_its_name_says(name):
    found = {path.stem: _kinds(PROVIDERS[name], path) for path in sample_files(name)}
    assert found == KINDS[name]


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_two_messages_among_the_samples_have_one_id(name):
    provider = PROVIDERS[name]
    items = [item for path in sample_files(name) for item in provider.split(load(path))]
    ids = [(item.kind, item.message_id) for item in items]
    again = {one for one in ids if ids.count(one) > 1}
    assert again <= {("status", "wamid.SAMPLE-reply:read")}
