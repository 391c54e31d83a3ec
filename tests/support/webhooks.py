"""Webhook bodies of WhatsApp, made from the documented format, and the inputs they become."""

from collections.abc import Sequence
from datetime import UTC, datetime

from providers.registry import PROVIDERS
from schemas import identity
from schemas.content import Platform
from schemas.envelope import Recorded
from schemas.inputs import Input, WebhookReceived

TENANT = "acme"
PHONE_ID = "100200300"
USER = "4915112345678"
T0 = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def body(*messages: dict, statuses: Sequence[dict] = (), name: str = "Ada Lovelace") -> dict:
    users = {m["from"] for m in messages}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": PHONE_ID},
    }
    if messages:
        value["contacts"] = [{"profile": {"name": name}, "wa_id": user} for user in sorted(users)]
        value["messages"] = list(messages)
    if statuses:
        value["statuses"] = list(statuses)
    changes = [{"field": "messages", "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "900", "changes": changes}]}


def text(words: str, *, wamid: str, user: str = USER, at: datetime = T0) -> dict:
    stamp = str(int(at.timestamp()))
    return {
        "from": user,
        "id": wamid,
        "timestamp": stamp,
        "type": "text",
        "text": {"body": words},
    }


def reaction(emoji: str, target: str, *, wamid: str, user: str = USER) -> dict:
    return {
        "from": user,
        "id": wamid,
        "timestamp": str(int(T0.timestamp())),
        "type": "reaction",
        "reaction": {"message_id": target, "emoji": emoji},
    }


def status(word: str, *, wamid: str, user: str = USER, reference: str | None = None) -> dict:
    told = {
        "id": wamid,
        "status": word,
        "timestamp": str(int(T0.timestamp())),
        "recipient_id": user,
    }
    return told | ({"biz_opaque_callback_data": reference} if reference else {})


def inputs(whole: dict, *, at: datetime = T0, tenant: str = TENANT) -> list[Recorded[Input]]:
    return [_input(item, at, tenant) for item in PROVIDERS["whatsapp_cloud"].split(whole)]


def _input(item, at: datetime, tenant: str) -> Recorded[Input]:
    account = item.account or ""
    input_id = identity.input_id(
        tenant=tenant,
        provider="whatsapp_cloud",
        account=account,
        kind=item.kind,
        message_id=item.message_id,
    )
    return Recorded(
        id=input_id,
        time=at,
        source="/chatfold/gateway",
        tenant=tenant,
        chat_id=identity.chat_of(
            tenant=tenant,
            platform=Platform.WHATSAPP,
            account=account,
            platform_user_id=item.platform_user_id,
        ),
        causation_id=input_id,
        correlation_id=input_id,
        data=WebhookReceived(
            provider="whatsapp_cloud",
            account=account,
            platform=Platform.WHATSAPP,
            kind=item.kind,
            platform_user_id=item.platform_user_id,
            message_id=item.message_id,
            fragment=item.fragment,
        ),
    )
