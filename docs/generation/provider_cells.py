"""The cells of the providers' page: each is made by asking the provider itself."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from docs.generation.markdown import code, codes
from providers.failures import FailureCode
from providers.protocol import Heard, HttpRequest, Outgoing, Provider
from providers.rates import ALLOWANCES, Rate, Rates
from providers.registry import PROVIDERS
from schemas.content import Content, Media, MessageKind
from schemas.inputs import ItemKind
from tests.contract.case import Case
from tests.contract.features import shown, told
from tests.contract.provider_cases import CASES
from tests.support.exchanges import drive

Cell = Callable[[Provider, Case], str]

SAMPLES: Final = "../../chatfold/demo/samples"
YES: Final = "yes"
NO: Final = "no"
_TIME: Final = 1697043223
_REFERENCE: Final = "reply-1"
_FILE: Final = Media(reference="https://example.com/f", mime="image/png", file_name="f")
_TEXT: Final = Content(kind=MessageKind.TEXT, text="hello")


def tells(feature: str) -> Cell:
    """Whether a webhook can tell it, with a sample that does."""

    def cell(provider: Provider, case: Case) -> str:
        file = _shown(provider.name).get(feature)
        if file is None:
            return NO
        return YES if file in case.also else _sample(YES, provider, file)

    return cell


def sends(kind: MessageKind) -> Cell:
    """Whether a message of this kind is sent."""

    def cell(provider: Provider, case: Case) -> str:
        return _yes(_request(provider, case, _content(kind, _heard(provider, case))))

    return cell


def sends_caption(provider: Provider, case: Case) -> str:
    """Whether a file has its words with it."""
    content = Content(kind=MessageKind.IMAGE, media=_FILE, caption="look")
    return _yes(_request(provider, case, content))


def sends_answer(provider: Provider, case: Case) -> str:
    """Whether a message tells which one it answers."""
    plain = _request(provider, case, _TEXT)
    answer = _request(provider, case, _TEXT, reply_to=_heard(provider, case))
    return _yes(plain and answer and plain.body != answer.body)


def sends_reference(provider: Provider, case: Case) -> str:
    """Whether a message carries what we know it by."""
    request = _request(provider, case, _TEXT)
    return _yes(request and _REFERENCE.encode() in request.body)


def asks(name: str) -> Cell:
    """For which of the messages that came the exchange `name` asks anything."""

    def cell(provider: Provider, case: Case) -> str:
        asked = {
            one.file: _is_asked(
                provider, case, name, one.item.platform_user_id, one.item.message_id
            )
            for one in told(provider, case)
            if one.item.kind is ItemKind.MESSAGE
        }
        first = next((file for file, is_asked in asked.items() if is_asked), None)
        if first is None:
            return NO
        return YES if all(asked.values()) else _sample("some", provider, first)

    return cell


def downloads(provider: Provider, case: Case) -> str:
    """The requests that a file takes, by method and host."""
    before = [case.found(3)] if case.found else []
    media = Media(reference=case.media)
    exchange = provider.fetch_media(media, case.credentials, case.base_url, 100)
    requests, _ = drive(exchange, *before, case.file(b"abc"))
    steps = ", then ".join(code(_to(one)) for one in requests)
    return f"{steps}; needs no credentials" if case.has_public_media else steps


def proof(provider: Provider, case: Case) -> str:
    """The header that proves a webhook, and what it proves."""
    covers = "signs the body" if case.signs_body else "a fixed secret"
    return f"{codes(provider.sign(b'{}', 'secret'))}: {covers}"


def challenges(provider: Provider, _: Case) -> str:
    """Whether the provider checks the address before it uses it."""
    asked = {"hub.mode": "subscribe", "hub.verify_token": "t", "hub.challenge": "1"}
    return _yes(provider.challenge(asked, "t"))


def credentials(provider: Provider, _: Case) -> str:
    """What requests need."""
    return codes(provider.required_credentials)


def window(provider: Provider, _: Case) -> str:
    """How long replies are taken."""
    told = provider.session_window
    return "for ever" if told is None else f"{told.total_seconds() / 3600:g} hours"


def account_pace(provider: Provider, _: Case) -> str:
    """How fast an account may send."""
    return _pace(ALLOWANCES[provider.name].chat.account)


def chat_pace(provider: Provider, _: Case) -> str:
    """How fast one person may be written to."""
    return _pace(ALLOWANCES[provider.name].chat.chat)


def group_pace(provider: Provider, _: Case) -> str:
    """How fast a group may be written to."""
    allowed = ALLOWANCES[provider.name]
    rates: Rates = allowed.group or allowed.chat
    return _pace(rates.chat)


def refusals(refusal: FailureCode) -> Cell:
    """The HTTP statuses with which the provider refuses in this way."""

    def cell(_: Provider, case: Case) -> str:
        found = {answer.status for answer, known in case.refusals if known is refusal}
        return ", ".join(map(str, sorted(found)))

    return cell


@cache
def _shown(name: str) -> Mapping[str, str]:
    return shown(PROVIDERS[name], CASES[name])


def _sample(word: str, provider: Provider, file: str) -> str:
    return f"[{word}]({SAMPLES}/{provider.name}/{file}.json)"


def _heard(provider: Provider, case: Case) -> str:
    """The name of a message that came."""
    (item,) = provider.split(case.text("hello", "1", _TIME))
    return str(item.message_id)


def _request(
    provider: Provider, case: Case, content: Content, *, reply_to: str | None = None
) -> HttpRequest | None:
    """The request that sends `content`, None where it is refused before."""
    message = Outgoing(
        account="200", to=case.to, content=content, reply_to=reply_to, reference=_REFERENCE
    )
    return next(provider.send(message, case.credentials, case.base_url), None)


def _content(kind: MessageKind, target: str) -> Content:
    contact = {"name": "Ada", "phones": [{"phone": "+15550100201"}]}
    place = {"latitude": 51.5, "longitude": -0.1}
    structured = {**place, "contacts": [contact], "target": target, "emoji": "👍"}
    return Content(kind=kind, text="hello", media=_FILE, structured=structured)


def _is_asked(provider: Provider, case: Case, name: str, chat: str, message: str) -> bool:
    heard = Heard(account="200", platform_user_id=chat, platform_message_id=message)
    exchange = getattr(provider, name)(heard, case.credentials, case.base_url)
    return next(exchange, None) is not None


def _to(request: HttpRequest) -> str:
    host = request.struck(request.url).split("/")[2]
    return f"{request.method} {host}"


def _pace(rate: Rate | None) -> str:
    if rate is None:
        return "no limit of its own"
    often = 1 / rate.interval
    steady = f"{often:.3g} a second" if often >= 1 else f"1 every {rate.interval:.3g} s"
    return f"{steady}, {rate.burst} at once" if rate.burst > 1 else steady


def _yes(there: object) -> str:
    return YES if there else NO
