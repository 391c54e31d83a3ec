"""Whapi's words for what every provider can say."""

from providers.failures import FailureCode
from providers.protocol import HttpResponse
from tests.contract.case import Case
from tests.support.exchanges import answer

USER = "15550100201"


def message(number: str, type_: str = "text", time: object = 1697043223, **node: object):
    """A message of our user, of the type and with the node of that name."""
    return {
        "id": f"p.{number}-gBgTwl0rVw",
        "from_me": False,
        "type": type_,
        "chat_id": f"{USER}@s.whatsapp.net",
        "timestamp": time,
        "source": "mobile",
        type_: node,
        "from": USER,
        "from_name": "Ada",
    }


def body(*messages: object):
    """The body that brings these messages."""
    event = {"type": "messages", "event": "post"}
    return {"messages": list(messages), "event": event, "channel_id": "MANTIS-AAAAA"}


def error(status: int, words: str):
    """An error in Whapi's form."""
    return {"error": {"code": status, "message": words, "href": "https://whapi.cloud/docs"}}


def _file(size: int, named: str = "jpeg-b487668896662779cbdb29a3c29c0a9a-804713c25d2b57"):
    told = message("1", "image", id=named, mime_type="image/png", file_size=size)
    return answer(200, told)


def _refusal(status: int, words: str) -> HttpResponse:
    return answer(status, error(status, words))


WHAPI = Case(
    name="whapi",
    text=lambda words, n, time: body(message(n, time=time, body=words)),
    batch=lambda size: body(*(message(str(n), body=f"{n}") for n in range(size))),
    unknown_type=body(message("1", "hologram", id="1")),
    signs_body=False,
    credentials={"api_token": "Wh4p1-very-secret"},
    to=USER,
    sent=answer(200, {"sent": True, "message": {"id": "OUT-wO4Twl0rVw", "status": "pending"}}),
    sent_id="OUT-wO4Twl0rVw",
    refusals=(
        (_refusal(429, "Too many requests"), FailureCode.THROTTLED),
        (answer(429, b""), FailureCode.THROTTLED),
        (_refusal(401, "Need channel authorization for send message"), FailureCode.UNAUTHENTICATED),
        (answer(401, b"<html>"), FailureCode.UNAUTHENTICATED),
        (_refusal(402, "Trial version limit exceeded"), FailureCode.QUOTA_EXHAUSTED),
        (
            _refusal(403, "It is forbidden to send to this recipient"),
            FailureCode.RECIPIENT_UNREACHABLE,
        ),
        (_refusal(403, "Invalid token"), FailureCode.UNAUTHENTICATED),
        (_refusal(413, "Request body too large"), FailureCode.TOO_LARGE),
        (_refusal(415, "Unsupported media type"), FailureCode.CONTENT_REFUSED),
        (_refusal(404, "Media with specified id not found"), FailureCode.REFUSED),
        (_refusal(400, "Wrong request parameters"), FailureCode.REFUSED),
        (_refusal(500, "Internal Error"), FailureCode.PROVIDER_DOWN),
    ),
    error=error,
    media="message:p.1-gBgTwl0rVw",
    found=_file,
    elsewhere=_file(3, "../../evil"),
    also={
        "text_hidden_number": body(message("7", body="hi") | {"chat_id": "40000000000201@lid"}),
        "status_deleted": {
            "statuses": [{"id": "OUT", "status": "deleted", "recipient_id": USER}],
            "channel_id": "MANTIS-AAAAA",
        },
    },
    lacks=frozenset(
        {
            "our reference in a status",
            "our reference in an echo",
            "imported history",
            "chat that moved",
        }
    ),
    secret_words=lambda word: [
        body(message("1", "image", id="f", link=word, preview=word)),
        body(message("2", "order", order_id="1", token=word)),
        {"qr": {"base64": word, "rowdata": word}, "channel_id": "MANTIS-AAAAA"},
    ],
)
