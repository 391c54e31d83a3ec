"""SMS through Twilio's Programmable Messaging API.

The account is a phone number, as +15551234567, or a messaging service, as MG….
"""

import re
from base64 import b64encode
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlencode

from providers import plain
from providers.answers import body_of, failed_by_status, is_success, missing, retry_after, words
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.phones import e164
from providers.protocol import (
    Accepted,
    Credentials,
    Exchange,
    HttpRequest,
    HttpResponse,
    Outgoing,
)
from providers.reading import identifier, integer, text
from providers.sending import Sent
from schemas.content import Platform

API: Final = "https://api.twilio.com"
ACCOUNT_SID: Final = "account_sid"
AUTH_TOKEN: Final = "auth_token"  # noqa: S105  # the credential's name
_TEXT_LIMIT: Final = 1600
_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")
_FIRST_OF_SERVER_ERRORS: Final = 500
_UNAVAILABLE: Final = 20503

_CODES: Final = {
    FailureCode.THROTTLED: (20429, 21611, 14107, 30001),
    FailureCode.PROVIDER_DOWN: (_UNAVAILABLE,),
    FailureCode.UNAUTHENTICATED: (20003, 20404, 20008, 20006),
    FailureCode.ACCOUNT_DISABLED: (10001, 20005, 30002),
    FailureCode.QUOTA_EXHAUSTED: (63038,),
    FailureCode.NOT_CONFIGURED: (21212, 21603, 21606, 21659, 21660, 21701, 21703, 21704),
    FailureCode.RECIPIENT_UNREACHABLE: (
        21211,
        21214,
        21215,
        21217,
        21408,
        21604,
        21608,
        21612,
        21614,
    ),
    FailureCode.BLOCKED_BY_USER: (21610,),
    FailureCode.CONTENT_REFUSED: (21602, 21617, 21619, 21620),
}
_MEANING: Final = MappingProxyType({code: ours for ours, codes in _CODES.items() for code in codes})


def send(message: Outgoing, credentials: Credentials, base_url: str | None) -> Exchange[Sent]:
    """The exchange that sends a text message; what is no text goes as the words it has."""
    if lacking := missing(credentials, ACCOUNT_SID, AUTH_TOKEN):
        return lacking
    said, to = plain.words_of(message.content), e164(message.to)
    if refused := plain.objection(said, _TEXT_LIMIT):
        return refused
    if to is None:
        detail = "not a phone number with its country first"
        code = FailureCode.RECIPIENT_UNREACHABLE
        return SendFailure(code=code, http_status=None, detail=detail)
    form = {"To": to, _sender_word(message.account): message.account, "Body": said}
    request = _request(form, credentials, base_url)
    response = yield request
    sid = identifier(body_of(response).get("sid"))
    if sid is not None and is_success(response):
        return Accepted(platform_message_id=sid, http_status=response.status)
    return _refusal(request, response)


def _sender_word(account: str) -> str:
    return "MessagingServiceSid" if _SERVICE.fullmatch(account) else "From"


def _request(
    form: dict[str, str | None], credentials: Credentials, base_url: str | None
) -> HttpRequest:
    sid, token = credentials[ACCOUNT_SID], credentials[AUTH_TOKEN]
    key = b64encode(f"{sid}:{token}".encode()).decode()
    base = (base_url or API).rstrip("/")
    return HttpRequest(
        method="POST",
        url=f"{base}/2010-04-01/Accounts/{quote(sid, safe='')}/Messages.json",
        headers={
            "authorization": f"Basic {key}",
            "content-type": "application/x-www-form-urlencoded",
        },
        body=urlencode(form).encode(),
        secrets=(token, key),
    )


def _refusal(request: HttpRequest, response: HttpResponse) -> SendFailure | Unconfirmed:
    """What an answer that is no success means; after an error of Twilio's own, nobody knows."""
    body = body_of(response)
    code = integer(body.get("code"))
    if is_success(response):
        return _unconfirmed(Unknown.MALFORMED_ANSWER, response, "success without a message id")
    if response.status >= _FIRST_OF_SERVER_ERRORS and code != _UNAVAILABLE:
        return _unconfirmed(Unknown.SERVER_ERROR, response, f"HTTP {response.status}")
    known = _MEANING.get(code) if code is not None else None
    return SendFailure(
        code=known or failed_by_status(response.status),
        http_status=response.status,
        detail=words(request, identifier(code), text(body.get("message")))
        or f"HTTP {response.status}",
        retry_after_seconds=retry_after(response),
    )


def _unconfirmed(reason: Unknown, response: HttpResponse, detail: str) -> Unconfirmed:
    return Unconfirmed(reason=reason, http_status=response.status, detail=detail)


class TwilioSms:
    """The channel."""

    name: Final = "twilio_sms"
    platform: Final = Platform.SMS
    required_credentials: Final = (ACCOUNT_SID, AUTH_TOKEN)
    send = staticmethod(send)


CHANNEL: Final = TwilioSms()
