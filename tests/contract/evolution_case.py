"""What the contract needs to know of Evolution API v2."""

from base64 import b64encode

from providers.failures import FailureCode
from tests.contract.case import Case
from tests.support.exchanges import answer

USER = "15550100201"
INSTANCE = "sales"


def upsert(*messages: object):
    data = messages[0] if len(messages) == 1 else {"messages": list(messages)}
    return {
        "event": "messages.upsert",
        "instance": INSTANCE,
        "data": data,
        "destination": "https://hooks.example.com/webhooks/evolution",
        "date_time": "2026-05-28T12:35:10.000Z",
        "sender": "15550100100@s.whatsapp.net",
        "server_url": "https://evolution.example.com",
        "apikey": None,
    }


def message(number: object, time: object = 1697043223, **content: object):
    return {
        "key": {"remoteJid": f"{USER}@s.whatsapp.net", "fromMe": False, "id": f"3EB0{number}"},
        "pushName": "Ada",
        "status": "DELIVERY_ACK",
        "message": content,
        "messageType": next(iter(content)),
        "messageTimestamp": time,
        "instanceId": "bd3ee04a-9054-4879-af90-84da3843fd27",
        "source": "android",
    }


def error(status: int, words: object):
    return {"status": status, "error": "Bad Request", "response": {"message": words}}


NOBODY = [{"jid": "1@s.whatsapp.net", "exists": False, "number": "1"}]
CLOSED = ["Error: Connection Closed"]

REFUSED = {
    "key": {"remoteJid": f"{USER}@s.whatsapp.net", "fromMe": True, "id": "3EB0OUT"},
    "update": {"status": "ERROR", "messageStubParameters": ["463"]},
}


def secret_words(word: str):
    """The account's key beside the data and in it, a file's key, a picture, a QR code."""
    file = {"mimetype": "image/png", "mediaKey": word, "url": word, "directPath": word}
    picture = upsert(message("1", imageMessage={**file, "jpegThumbnail": word}, base64=word))
    said = upsert(message("2", conversation=f"my key is {word}"))
    shown = {"event": "qrcode.updated", "instance": INSTANCE, "data": {"qrcode": {"code": word}}}
    return [picture, said | {"apikey": word}, shown]


EVOLUTION = Case(
    name="evolution",
    text=lambda words, n, time: upsert(message(n, time, conversation=words)),
    batch=lambda size: upsert(*(message(n, conversation=f"{n}") for n in range(size))),
    unknown_type=upsert(message("1", hologram={"id": "1"})),
    signs_body=False,
    credentials={"api_key": "B6D711FC-very-secret"},
    base_url="https://evolution.example.com",
    to=USER,
    sent=answer(201, {"key": {"id": "3EB0OUT", "fromMe": True}, "status": "PENDING"}),
    sent_id="3EB0OUT",
    refusals=(
        (answer(429, b""), FailureCode.THROTTLED),
        (answer(400, error(400, ["Error: rate-overlimit"])), FailureCode.THROTTLED),
        (answer(401, error(401, "Unauthorized")), FailureCode.UNAUTHENTICATED),
        (answer(400, error(400, NOBODY)), FailureCode.RECIPIENT_UNREACHABLE),
        (answer(400, error(400, CLOSED)), FailureCode.PROVIDER_DOWN),
        (answer(400, error(400, [["Text is required"]])), FailureCode.CONTENT_REFUSED),
        (
            answer(404, error(404, ['The "sales" instance does not exist'])),
            FailureCode.NOT_CONFIGURED,
        ),
        (answer(400, error(400, ["Error: new"])), FailureCode.REFUSED),
        (answer(500, error(500, "Connection Closed")), FailureCode.PROVIDER_DOWN),
    ),
    error=error,
    media=f"{INSTANCE}/3EB01",
    found=None,
    elsewhere=None,
    file=lambda data: answer(
        201, {"mediaType": "imageMessage", "base64": b64encode(data).decode()}
    ),
    also={"status_refused": upsert(REFUSED) | {"event": "messages.update"}},
    lacks=frozenset(
        {
            "status deleted",
            "our reference in a status",
            "our reference in an echo",
            "chat that moved",
        }
    ),
    secret_words=secret_words,
)
