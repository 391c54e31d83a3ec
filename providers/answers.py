"""What providers answer to our requests, read without trust."""

from typing import Final

from providers.failures import FailureCode, SendFailure
from providers.protocol import Credentials, HttpRequest, HttpResponse
from providers.reading import clean, mapping, number
from schemas import codec
from schemas.content import Json

DETAIL_LIMIT: Final = 500
_LONGEST_WAIT_SECONDS: Final = 86_400.0
_GONE: Final = frozenset({403, 404, 410})


def body_of(response: HttpResponse) -> Json:
    """The JSON object of an answer, empty where there is none."""
    try:
        return mapping(codec.loads(response.body))
    except ValueError:
        return {}


def is_success(response: HttpResponse) -> bool:
    """Whether the status is a 2xx."""
    return 200 <= response.status < 300


def is_gone(response: HttpResponse) -> bool:
    """Whether a link leads to its file no more; whoever gave it may have a new one."""
    return response.status in _GONE


def gone(response: HttpResponse) -> SendFailure:
    """The failure where a new link leads to the file no more either."""
    detail, code = "the file is there no more", FailureCode.MEDIA_UNAVAILABLE
    return SendFailure(code=code, http_status=response.status, detail=detail)


def wait_of(value: object) -> float | None:
    """A sane number of seconds to wait; a date in `Retry-After` is not read."""
    seconds = number(value)
    return seconds if seconds is not None and 0 <= seconds <= _LONGEST_WAIT_SECONDS else None


def retry_after(response: HttpResponse) -> float | None:
    """The seconds that the header `Retry-After` asks to wait."""
    return wait_of(response.headers.get("retry-after"))


def words(request: HttpRequest, *parts: object) -> str:
    """The provider's own words: present parts joined, bounded, without our secrets."""
    said = ": ".join(dict.fromkeys(str(part) for part in parts if part not in (None, "")))
    return clean(request.struck(said))[:DETAIL_LIMIT]


def missing(credentials: Credentials, *names: str) -> SendFailure | None:
    """The failure for a credential that the account lacks."""
    lacking = [name for name in names if not credentials.get(name)]
    if not lacking:
        return None
    detail = f"the account has no {' and no '.join(lacking)}"
    return SendFailure(code=FailureCode.NOT_CONFIGURED, http_status=None, detail=detail)


def refused(code: FailureCode, detail: str) -> SendFailure:
    """A refusal of our own, made before anything was asked of the provider."""
    return SendFailure(code=code, http_status=None, detail=detail)


def failed_by_status(status: int) -> FailureCode:
    """What an HTTP status says where the provider gives no code that we know."""
    match status:
        case 401:
            return FailureCode.UNAUTHENTICATED
        case 413:
            return FailureCode.TOO_LARGE
        case 429:
            return FailureCode.THROTTLED
        case 408:
            return FailureCode.PROVIDER_DOWN
        case _ if status >= 500:
            return FailureCode.PROVIDER_DOWN
        case _:
            return FailureCode.REFUSED
