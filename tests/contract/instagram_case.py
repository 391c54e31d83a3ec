"""Instagram's words for what every provider can say."""

from providers.failures import FailureCode
from providers.protocol import HttpResponse
from tests.contract.case import Case
from tests.support.exchanges import answer

ACCOUNT = "17841400000000201"
USER = "900000000000201"
LINK = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=AYe-very-signed"


def event(time: object = 1697043223000, *, out: bool = False, **parts: object):
    """What our user told the business, or the business by other means told our user."""
    sender, recipient = (ACCOUNT, USER) if out else (USER, ACCOUNT)
    ends = {"sender": {"id": sender}, "recipient": {"id": recipient}}
    return {**ends, "timestamp": time, **parts}


def message(number: str, time: object = 1697043223000, *, out: bool = False, **parts: object):
    """A message with these parts."""
    return event(time, out=out, message={"mid": f"aWdfZ.{number}", **parts})


def body(*events: object, key: str = "messaging"):
    """The body that brings these events."""
    return {"object": "instagram", "entry": [{"id": ACCOUNT, "time": 1, key: list(events)}]}


def error(code: int, words: str, subcode: int | None = None):
    """An error in Graph's form."""
    told = {"message": words, "type": "IGApiException", "code": code, "fbtrace_id": "A1"}
    return {"error": told | ({"error_subcode": subcode} if subcode else {})}


def _refusal(status: int, code: int, subcode: int | None = None) -> HttpResponse:
    return answer(status, error(code, "words", subcode))


INSTAGRAM = Case(
    name="instagram",
    text=lambda words, n, time: body(message(n, time, text=words)),
    batch=lambda size: body(*(message(str(n), text=f"{n}") for n in range(size))),
    unknown_type=body(message("1", attachments=[{"type": "hologram", "payload": {"id": "1"}}])),
    signs_body=True,
    credentials={"access_token": "IGAA-very-secret"},
    to=USER,
    first_name=None,
    sent=answer(200, {"recipient_id": USER, "message_id": "aWdfZ.OUT"}),
    sent_id="aWdfZ.OUT",
    refusals=(
        (_refusal(403, 10, 2534022), FailureCode.OUTSIDE_WINDOW),
        (_refusal(400, 551, 1545041), FailureCode.RECIPIENT_UNREACHABLE),
        (_refusal(400, 100, 2534014), FailureCode.RECIPIENT_UNREACHABLE),
        (_refusal(400, 613), FailureCode.THROTTLED),
        (_refusal(400, 80006), FailureCode.THROTTLED),
        (answer(429, b""), FailureCode.THROTTLED),
        (_refusal(401, 190, 463), FailureCode.UNAUTHENTICATED),
        (_refusal(403, 10), FailureCode.UNAUTHENTICATED),
        (answer(401, b"<html>"), FailureCode.UNAUTHENTICATED),
        (_refusal(400, 368), FailureCode.ACCOUNT_DISABLED),
        (_refusal(400, 100), FailureCode.CONTENT_REFUSED),
        (_refusal(400, 100, 2534037), FailureCode.REFUSED),
        (_refusal(400, 98765), FailureCode.REFUSED),
        (_refusal(500, 2), FailureCode.PROVIDER_DOWN),
        (_refusal(400, 1200), FailureCode.PROVIDER_DOWN),
    ),
    error=lambda status, words: error(100, words),
    media=LINK,
    found=None,
    elsewhere=None,
    has_public_media=True,
    lacks=frozenset(
        {
            "voice",
            "contact",
            "location",
            "order",
            "in a group",
            "a person's other id",
            "status sent",
            "status delivered",
            "status played",
            "status failed",
            "status deleted",
            "why it failed",
            "our reference in a status",
            "imported history",
            "call",
            "story or broadcast",
            "chat that moved",
        }
    ),
)
