"""What the contract needs to know of each provider; a new one adds a case here."""

from providers.failures import FailureCode
from providers.protocol import HttpResponse
from tests.contract.case import Case
from tests.contract.evolution_case import EVOLUTION
from tests.contract.greenapi_case import GREENAPI
from tests.contract.instagram_case import INSTAGRAM
from tests.contract.whapi_case import WHAPI
from tests.support.exchanges import answer

USER = "15550100201"


def _whatsapp_message(
    number: str, type_: str = "text", time: object = "1697043223", **node: object
):
    return {"from": USER, "id": f"wamid.{number}", "timestamp": time, "type": type_, type_: node}


def _whatsapp(*messages: object):
    metadata = {"display_phone_number": "15550100100", "phone_number_id": "200"}
    contacts = [{"wa_id": USER, "profile": {"name": "Ada"}}]
    value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": contacts}
    change = {"field": "messages", "value": value | {"messages": list(messages)}}
    entry = {"id": "300", "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _graph_error(code: int, words: str):
    return {"error": {"message": words, "type": "OAuthException", "code": code}}


def _graph_file(size: int, url: str = "https://lookaside.fbsbx.com/f?mid=1") -> HttpResponse:
    told = {"url": url, "mime_type": "image/png", "file_size": size, "id": "500"}
    return answer(200, told)


WHATSAPP_CLOUD = Case(
    name="whatsapp_cloud",
    text=lambda words, n, time: _whatsapp(_whatsapp_message(n, time=time, body=words)),
    batch=lambda size: _whatsapp(*(_whatsapp_message(str(n), body=f"{n}") for n in range(size))),
    unknown_type=_whatsapp(_whatsapp_message("1", "hologram", id="1")),
    signs_body=True,
    credentials={"access_token": "EAAB-very-secret"},
    to=USER,
    sent=answer(200, {"contacts": [{"wa_id": USER}], "messages": [{"id": "wamid.OUT"}]}),
    sent_id="wamid.OUT",
    refusals=(
        (answer(400, _graph_error(131056, "pair rate")), FailureCode.THROTTLED),
        (answer(429, b""), FailureCode.THROTTLED),
        (answer(401, _graph_error(190, "expired")), FailureCode.UNAUTHENTICATED),
        (answer(401, b"<html>"), FailureCode.UNAUTHENTICATED),
        (answer(400, _graph_error(131047, "window")), FailureCode.OUTSIDE_WINDOW),
        (answer(400, _graph_error(131026, "undeliverable")), FailureCode.RECIPIENT_UNREACHABLE),
        (answer(400, _graph_error(98765, "new")), FailureCode.REFUSED),
        (answer(500, _graph_error(131016, "down")), FailureCode.PROVIDER_DOWN),
    ),
    error=lambda status, words: _graph_error(100, words),
    media="500",
    found=_graph_file,
    gives_links=True,
    elsewhere=_graph_file(3, "https://evil.example.com/f?mid=1"),
    lacks=frozenset(
        {
            "status deleted",
            "echo of what a program sent",
            "our reference in an echo",
            "imported history",
            "story or broadcast",
        }
    ),
    secret_words=lambda word: [
        _whatsapp(_whatsapp_message("1", kind, id="5", url=f"https://lookaside.fbsbx.com/{word}"))
        for kind in ("image", "audio", "video", "document", "sticker")
    ],
)


def _telegram_message(number: object, time: object = 1697043223, **content: object):
    sender = {"id": 7, "is_bot": False, "first_name": "Ada"}
    chat = {"id": 7, "type": "private", "first_name": "Ada"}
    return {"message_id": number, "from": sender, "chat": chat, "date": time, **content}


def _telegram(number: object = 1, **parts: object):
    return {"update_id": number, **parts}


def _bot_error(status: int, words: str, **parameters: object):
    told = {"ok": False, "error_code": status, "description": words}
    return told | ({"parameters": parameters} if parameters else {})


def _bot_file(size: int, path: str = "photos/file_1.png") -> HttpResponse:
    return answer(200, {"ok": True, "result": {"file_path": path, "file_size": size}})


TELEGRAM = Case(
    name="telegram",
    text=lambda words, n, time: _telegram(
        int(n), message=_telegram_message(int(n), time, text=words)
    ),
    batch=lambda size: _telegram(message=_telegram_message(0, text="0")),  # one update a body
    unknown_type=_telegram(message=_telegram_message(1, hologram={"id": "1"})),
    signs_body=False,
    credentials={"bot_token": "123456:AA-very_secret"},
    to="7",
    sent=answer(200, {"ok": True, "result": {"message_id": 77, "chat": {"id": 7}}}),
    sent_id="7:77",
    refusals=(
        (answer(429, _bot_error(429, "Too Many", retry_after=8)), FailureCode.THROTTLED),
        (answer(429, b""), FailureCode.THROTTLED),
        (answer(401, _bot_error(401, "Unauthorized")), FailureCode.UNAUTHENTICATED),
        (
            answer(403, _bot_error(403, "Forbidden: bot was blocked by the user")),
            FailureCode.BLOCKED_BY_USER,
        ),
        (
            answer(400, _bot_error(400, "Bad Request", migrate_to_chat_id=-1)),
            FailureCode.CHAT_MOVED,
        ),
        (answer(400, _bot_error(400, "Bad Request: new")), FailureCode.REFUSED),
        (answer(502, _bot_error(502, "Bad Gateway")), FailureCode.PROVIDER_DOWN),
    ),
    error=_bot_error,
    media="FILE",
    found=_bot_file,
    gives_links=True,
    elsewhere=_bot_file(3, "../../evil"),
    also={"poll_closed": _telegram(poll={"id": "5", "question": "COBOL?", "is_closed": True})},
    lacks=frozenset(
        {
            "order",
            "status sent",
            "status delivered",
            "status read",
            "status played",
            "status failed",
            "status deleted",
            "why it failed",
            "our reference in a status",
            "echo of what a program sent",
            "our reference in an echo",
            "imported history",
            "call",
            "story or broadcast",
        }
    ),
)

CASES = {
    case.name: case
    for case in (
        WHATSAPP_CLOUD,
        TELEGRAM,
        EVOLUTION,
        GREENAPI,
        WHAPI,
        INSTAGRAM,
    )
}
