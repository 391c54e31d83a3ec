"""Twilio: Messages.json, with the numbers that Twilio gives for tests of its errors."""

import binascii
from base64 import b64decode
from hashlib import md5
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import Answer, World, answer
from chatfold.sandbox.journal import Received
from schemas.content import Json

PROVIDER: Final = "twilio_sms"
_LONGEST_TEXT: Final = 1600
_REFUSALS: Final[dict[int, tuple[int, str]]] = {
    400: (21602, "Message body is required"),
    401: (20003, "Authenticate"),
    403: (20005, "Account not active"),
    429: (20429, "Too Many Requests"),
    500: (20500, "An internal server error has occurred"),
    503: (20503, "Service Unavailable"),
}
_TO: Final = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable via SMS"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
_FROM: Final = {
    "+15005550001": (21212, "The 'From' number is not a valid phone number"),
    "+15005550007": (21606, "The 'From' phone number is not a valid, SMS-capable number"),
    "+15005550008": (
        21611,
        "This 'From' number has exceeded the maximum number of queued messages",
    ),
}
_STATUS: Final = {21611: 429}


class Messages:
    """Judges requests as Twilio does."""

    def judge(self, request: Received, authorization: str) -> Answer:
        """The message as queued, or what is wrong with the request."""
        user, _, token = _credentials(authorization).partition(":")
        if user != request.account or not token or token.endswith("expired"):
            return self.refuse(401, None)
        wrong = _objection(request.body)
        if wrong:
            code, message = wrong
            return _error(_STATUS.get(code, 400), code, message)
        return _queued(request)

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in Twilio's words."""
        code, message = _REFUSALS.get(status, (20500, "Unknown error"))
        return _error(status, code, message, retry_after)


def _credentials(authorization: str) -> str:
    try:
        return b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _error(status: int, code: int, message: str, retry_after: int | None = None) -> Answer:
    body: Json = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = {"retry-after": str(retry_after)} if retry_after is not None else None
    return Answer(status, body, headers=headers)


def _objection(form: Json) -> tuple[int, str] | None:
    """What Twilio would not take, as code and message."""
    to, sender, text = (str(form.get(name) or "") for name in ("To", "From", "Body"))
    if not to:
        return 21604, "A 'To' phone number is required."
    if not sender and not form.get("MessagingServiceSid"):
        return 21603, "A 'From' phone number is required."
    if not text:
        return 21602, "Message body is required."
    if len(text) > _LONGEST_TEXT:
        return 21617, "The concatenated message body exceeds the 1600 character limit"
    return _TO.get(to) or _FROM.get(sender)


def _queued(request: Received) -> Answer:
    sid = "SM" + md5(f"sandbox {request.number}".encode(), usedforsecurity=False).hexdigest()
    body: Json = {
        "sid": sid,
        "account_sid": request.account,
        "api_version": "2010-04-01",
        "body": request.text,
        "from": request.body.get("From"),
        "messaging_service_sid": request.body.get("MessagingServiceSid"),
        "to": request.to,
        "status": "queued",
        "direction": "outbound-api",
        "num_segments": "1",
        "error_code": None,
        "error_message": None,
        "uri": f"/2010-04-01/Accounts/{request.account}/Messages/{sid}.json",
    }
    return Answer(201, body, sid)


def routes(world: World) -> list[web.RouteDef]:
    """Where Twilio answers."""
    api = Messages()

    async def create(http: web.Request) -> web.Response:
        form: Json = {name: str(value) for name, value in (await http.post()).items()}
        received = Received(
            number=world.journal.next_number(),
            received_at=world.now(),
            provider=PROVIDER,
            account=http.match_info["account"],
            method="Messages",
            to=str(form["To"]) if form.get("To") else None,
            text=str(form["Body"]) if form.get("Body") else None,
            is_send=True,
            body=form,
        )
        return await answer(world, api, received, http, http.headers.get("authorization", ""))

    return [web.post("/2010-04-01/Accounts/{account}/Messages.json", create)]
