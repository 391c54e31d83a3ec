"""Green API's words for what every provider can say."""

from providers.failures import FailureCode
from providers.protocol import HttpResponse
from tests.contract.case import Case
from tests.support.exchanges import answer

USER = "15550100201"
TOKEN = "d75b3a66-very-secret"


def _message(number: str, type_: str = "textMessage", time: object = 1697043223, **data: object):
    chat = f"{USER}@c.us"
    return {
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": 200, "wid": "15550100100@c.us", "typeInstance": "whatsapp"},
        "timestamp": time,
        "idMessage": f"BAE5{number}",
        "senderData": {"chatId": chat, "sender": chat, "chatName": "Ada", "senderName": "Ada"},
        "messageData": {"typeMessage": type_, **data},
    }


def _hidden():
    """A text in a chat that is named by a hidden id, by somebody whose phone is told."""
    whole = _text("hello", "7")
    return whole | {"senderData": {**whole["senderData"], "chatId": "40000000000201@lid"}}


def _text(words: str, number: str = "0", time: object = 1697043223):
    return _message(number, time=time, textMessageData={"textMessage": words})


def _error(status: int, words: str):
    path = f"/waInstance200/sendMessage/{TOKEN}"
    return {"statusCode": status, "timestamp": "2026-01-05", "path": path, "message": words}


def _quota(words: str):
    spent = {"method": "correspondents", "used": 3, "total": 3, "description": words}
    return {"correspondentsStatus": spent | {"status": "CORRESPONDENTS_QUOTE_EXCEEDED"}}


def _file(size: int) -> HttpResponse:
    """Green API tells no size, only that it does not fetch what is too large."""
    url = "https://do-media-7103.fra1.digitaloceanspaces.com/200/f.png"
    return answer(200, {"downloadUrl": "{{SWE002}}" if size > 100 else url})


GREENAPI = Case(
    name="greenapi",
    text=_text,
    batch=lambda size: _text("0"),  # one event a body
    unknown_type=_message("1", "hologram", hologramData={"id": "1"}),
    signs_body=False,
    credentials={"api_token": TOKEN},
    to=USER,
    sent=answer(200, {"idMessage": "3EB0C767D097B7C7C030"}),
    sent_id="3EB0C767D097B7C7C030",
    refusals=(
        (answer(429, _error(429, "Too Many Requests")), FailureCode.THROTTLED),
        (answer(429, b""), FailureCode.THROTTLED),
        (answer(401, _error(401, "Unauthorized")), FailureCode.UNAUTHENTICATED),
        (answer(403, b"<html>"), FailureCode.UNAUTHENTICATED),
        (answer(466, _quota("Monthly quota has been exceeded")), FailureCode.QUOTA_EXHAUSTED),
        (
            answer(400, _error(400, "instance in starting process try later")),
            FailureCode.PROVIDER_DOWN,
        ),
        (answer(400, b"instance account not authorized"), FailureCode.PROVIDER_DOWN),
        (
            answer(400, _error(400, "Validation failed. Details: 'chatId' is no phone")),
            FailureCode.RECIPIENT_UNREACHABLE,
        ),
        (answer(400, _error(400, "Validation failed")), FailureCode.CONTENT_REFUSED),
        (answer(400, _error(400, "new")), FailureCode.REFUSED),
        (answer(500, _error(500, "Internal server error")), FailureCode.PROVIDER_DOWN),
    ),
    error=_error,
    media=f"200 {USER}@c.us BAE51",
    found=_file,
    gives_links=True,
    elsewhere=answer(200, {"downloadUrl": "https://evil.example.com/f.png"}),
    also={"text_hidden_number": _hidden()},
    lacks=frozenset(
        {
            "order",
            "status played",
            "status deleted",
            "our reference in a status",
            "our reference in an echo",
            "imported history",
            "chat that moved",
            "several in one webhook",
        }
    ),
    secret_words=lambda word: [
        _message("1", kind, fileMessageData={"downloadUrl": word, "jpegThumbnail": word})
        for kind in ("imageMessage", "audioMessage", "videoMessage", "documentMessage")
    ],
)
