"""What is asked of Green API, and what its answers mean."""

import pytest

from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.greenapi import PROVIDER
from providers.protocol import Accepted, Fetched, Heard, Outgoing
from schemas.content import Content, Media, MessageKind
from tests.support.exchanges import answer, bodies, drive

TOKEN = "d75b3a66/37 49"
CREDENTIALS = {"api_token": TOKEN}
QUOTED_TOKEN = "d75b3a66%2F37%2049"
OK = answer(200, {"idMessage": "3EB0"})
FILE = "200 15550100201@c.us M1"
ADA = {"chatId": "15550100201@c.us"}
PLACE = {"latitude": 51.5, "longitude": -0.1}
LINK = "https://cdn.example.com/a/b%20c.png?x=1"


def message(content=None, **changes):
    told = {
        "account": "200",
        "to": "15550100201",
        "content": content or Content(kind=MessageKind.TEXT, text="hello"),
        "reply_to": None,
        "reference": "reply-1",
    }
    return Outgoing(**told | changes)


def sent(outgoing, response=OK):
    [request], result = drive(PROVIDER.send(outgoing, CREDENTIALS, None), response)
    assert isinstance(result, Accepted)
    start, end = "https://api.green-api.com/waInstance200/", f"/{QUOTED_TOKEN}"
    assert request.url.startswith(start)
    assert request.url.endswith(end)
    return request.url.removeprefix(start).removesuffix(end), bodies([request])[0]


def link(kind, reference=LINK, file_name=None, **parts):
    return Content(kind=kind, media=Media(reference=reference, file_name=file_name), **parts)


def refused(status, body):
    return drive(PROVIDER.send(message(), CREDENTIALS, None), answer(status, body))[1]


def test_a_text_answers_a_message():
    body = {**ADA, "message": "hello", "quotedMessageId": "M1"}
    assert sent(message(reply_to="M1")) == ("sendMessage", body)


def test_what_has_only_a_derived_name_is_not_quoted():
    assert "quotedMessageId" not in sent(message(reply_to="content:abc"))[1]


@pytest.mark.parametrize(
    ("to", "chat"),
    [
        ("15550100201", "15550100201@c.us"),
        ("120363000000000201@g.us", "120363000000000201@g.us"),
        ("987654321@lid", "987654321@lid"),
    ],
)
def test_people_groups_and_hidden_names_have_their_addresses(to, chat):
    assert sent(message(to=to))[1]["chatId"] == chat


@pytest.mark.parametrize(
    ("content", "method", "parameters"),
    [
        (
            link(MessageKind.IMAGE, caption="c"),
            "sendFileByUrl",
            {"urlFile": LINK, "fileName": "b c.png", "caption": "c"},
        ),
        (
            link(MessageKind.DOCUMENT, file_name="bill.pdf"),
            "sendFileByUrl",
            {"urlFile": LINK, "fileName": "bill.pdf"},
        ),
        (
            link(MessageKind.VOICE, "https://cdn.example.com/9"),
            "sendFileByUrl",
            {"urlFile": "https://cdn.example.com/9", "fileName": "9.ogg"},
        ),
        (
            link(MessageKind.VIDEO, "https://cdn.example.com"),
            "sendFileByUrl",
            {"urlFile": "https://cdn.example.com", "fileName": "video.mp4"},
        ),
        (
            link(MessageKind.STICKER, caption="never"),
            "sendFileByUrl",
            {"urlFile": LINK, "fileName": "b c.png"},
        ),
        (
            Content(kind=MessageKind.LOCATION, structured=PLACE | {"name": "N", "address": "A"}),
            "sendLocation",
            PLACE | {"nameLocation": "N", "address": "A"},
        ),
        (
            Content(
                kind=MessageKind.CONTACT,
                structured={"contacts": [{"name": "Ada L", "phones": [{"phone": "+1 555"}]}]},
            ),
            "sendContact",
            {"contact": {"phoneContact": 1555, "firstName": "Ada L"}},
        ),
        (
            Content(kind=MessageKind.REACTION, structured={"emoji": "👍", "target": "M1"}),
            "sendReaction",
            {"idMessage": "M1", "reaction": "👍"},
        ),
    ],
)
def test_other_kinds_have_methods_of_their_own(content, method, parameters):
    assert sent(message(content)) == (method, {**ADA, **parameters})


@pytest.mark.parametrize(
    "content",
    [
        Content(kind=MessageKind.TEXT, text="x" * 20_001),
        link(MessageKind.IMAGE, FILE),
        link(MessageKind.IMAGE, "file:///etc/passwd"),
        link(MessageKind.IMAGE, caption="x" * 20_001),
        Content(kind=MessageKind.CONTACT, structured={"contacts": [{"name": "no phone"}]}),
        Content(kind=MessageKind.REACTION, structured={"emoji": "👍", "target": "content:abc"}),
        Content(kind=MessageKind.INTERACTIVE),
    ],
)
def test_what_cannot_be_said_is_refused_without_asking(content):
    requests, result = drive(PROVIDER.send(message(content), CREDENTIALS, None))
    assert requests == []
    assert result.code is FailureCode.CONTENT_REFUSED


def test_the_token_shows_neither_in_a_request_nor_in_a_refusal():
    path = f"/waInstance200/sendMessage/{QUOTED_TOKEN}"
    told = {"statusCode": 400, "path": path, "message": f"no such path: {path}"}
    [request], result = drive(PROVIDER.send(message(), CREDENTIALS, None), answer(400, told))
    for shown in (repr(request), request.struck(request.url), repr(result)):
        assert TOKEN not in shown
        assert QUOTED_TOKEN not in shown
    assert result.detail == "no such path: /waInstance200/sendMessage/***"


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (400, "instance in starting process try later", FailureCode.PROVIDER_DOWN),
        (400, "instance account not authorized", FailureCode.PROVIDER_DOWN),
        (400, "bad request data", FailureCode.CONTENT_REFUSED),
        (
            400,
            "Validation failed. Details: 'message' length must be less than or equal to 20000",
            FailureCode.CONTENT_REFUSED,
        ),
        (400, "Validation failed. Details: 'chatId' is invalid", FailureCode.RECIPIENT_UNREACHABLE),
        (401, "Unauthorized", FailureCode.UNAUTHENTICATED),
        (403, "Forbidden", FailureCode.UNAUTHENTICATED),
        (429, "Too Many Requests", FailureCode.THROTTLED),
        (
            500,
            "File from url exceeded max upload size. Size: 120mb Limit: 100mb",
            FailureCode.TOO_LARGE,
        ),
        (418, "I'm a teapot", FailureCode.REFUSED),
    ],
)
def test_every_refusal_has_its_meaning(status, words, code):
    for body in ({"statusCode": status, "message": words}, words.encode()):
        if status >= 500 and isinstance(body, bytes):
            continue
        failure = refused(status, body)
        assert isinstance(failure, SendFailure)
        assert (failure.code, failure.http_status, failure.detail) == (code, status, words)


def test_what_passes_by_itself_is_tried_again_and_a_spent_quota_is_not():
    assert refused(400, b"instance in starting process try later").retryable
    assert refused(400, b"instance account not authorized").retryable
    words = "Monthly quota has been exceeded."
    allowed = {"method": "sendmessage", "status": "QUOTE_ALLOWED"}
    for body in (
        {"invokeStatus": {"status": "QUOTE_EXCEEDED", "description": words}},
        {"invokeStatus": allowed, "correspondentsStatus": {"description": words}},
    ):
        failure = refused(466, body)
        assert (failure.code, failure.detail) == (FailureCode.QUOTA_EXHAUSTED, words)
        assert not failure.retryable


@pytest.mark.parametrize("status", [499, 502, 504])
def test_a_front_that_waited_in_vain_leaves_the_outcome_open(status):
    result = refused(status, {"statusCode": status, "message": "Bad Gateway"})
    assert isinstance(result, Unconfirmed)
    assert result.reason is Unknown.SERVER_ERROR


def fetch(*answers, reference=FILE, base_url=None, max_bytes=100):
    media = Media(reference=reference)
    return drive(PROVIDER.fetch_media(media, CREDENTIALS, base_url, max_bytes), *answers)


def at(url):
    return answer(200, {"downloadUrl": url})


STORED = "https://sw-media.storage.yandexcloud.net/200/f.oga"


def test_a_file_is_asked_for_by_its_message_then_fetched_without_the_token():
    requests, result = fetch(at(STORED), answer(200, b"oga", content_type="audio/ogg"))
    asked, fetched = requests
    assert asked.url == f"https://api.green-api.com/waInstance200/downloadFile/{QUOTED_TOKEN}"
    assert bodies([asked]) == [{**ADA, "idMessage": "M1"}]
    assert (fetched.method, fetched.url, dict(fetched.headers)) == ("GET", STORED, {})
    assert result == Fetched(data=b"oga", mime="audio/ogg")


@pytest.mark.parametrize(
    "url",
    [
        STORED,
        "https://sw-media-out.storage.yandexcloud.net/200/f.png",
        "https://do-media-7103.fra1.digitaloceanspaces.com/200/f.png",
        "https://7103.media.greenapi.com/200/f.png",
        "https://api.green-api.com/download/f.png",
    ],
)
def test_green_api_keeps_files_in_these_places(url):
    assert isinstance(fetch(at(url), answer(200, b"x"))[1], Fetched)


@pytest.mark.parametrize(
    "url",
    [
        "http://sw-media.storage.yandexcloud.net/f",
        "https://storage.yandexcloud.net/f",
        "https://evil.storage.yandexcloud.net/f",
        "https://sw-media.storage.yandexcloud.net.evil.com/f",
        "https://do-media-7103.fra1.digitaloceanspaces.com@evil.com/f",
        "https://evilgreen-api.com/f",
        "https://sw-media.storage.yandexcloud.net:8443/f",
        "https://127.0.0.1/f",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//sw-media.storage.yandexcloud.net/f",
        "https://sw-media.storage.yandexcloud.net\\@evil.com/f",
        "",
    ],
)
def test_a_place_that_is_not_green_apis_is_not_asked(url):
    requests, result = fetch(at(url))
    assert len(requests) == 1
    named = FailureCode.UNSAFE_ADDRESS if url else FailureCode.MEDIA_UNAVAILABLE
    assert result.code is named


def test_the_host_of_the_base_url_is_trusted_and_no_other():
    base = "http://127.0.0.1:9000"
    assert isinstance(fetch(at(f"{base}/f"), answer(200, b"x"), base_url=base)[1], Fetched)
    assert isinstance(fetch(at("http://127.0.0.1:9001/f"), base_url=base)[1], SendFailure)


def test_a_file_that_green_api_does_not_fetch_is_too_large():
    assert fetch(at("{{SWE002}}"))[1].code is FailureCode.TOO_LARGE


def test_a_link_that_is_dead_is_asked_for_once_more():
    gone, new = answer(403), STORED.replace("f.oga", "g.oga")
    requests, result = fetch(at(STORED), gone, at(new), answer(200, b"x"))
    assert [one.method for one in requests] == ["POST", "GET", "POST", "GET"]
    assert isinstance(result, Fetched)
    assert fetch(at(STORED), gone, at(new), gone)[1].code is FailureCode.MEDIA_UNAVAILABLE


def test_a_file_that_is_gone_is_unavailable():
    words = "File message encrypted url not found by chatId 1@c.us and idMessage M1"
    failure = fetch(answer(400, ('{"' + words + '"}').encode()))[1]
    assert (failure.code, failure.detail) == (FailureCode.MEDIA_UNAVAILABLE, words)


@pytest.mark.parametrize("name", ["", "M1", "1@c.us M1", "a/../b 1@c.us M1", "200 1@c.us M1 x"])
def test_what_names_no_file_is_not_asked_for(name):
    requests, result = fetch(reference=name)
    assert (requests, result.code) == ([], FailureCode.REFUSED)


def heard(message_id="M1"):
    return Heard(account="200", platform_user_id="15550100201", platform_message_id=message_id)


def test_one_message_is_marked_as_read():
    [request], _ = drive(PROVIDER.mark_read(heard(), CREDENTIALS, None), answer(200))
    assert request.url.startswith("https://api.green-api.com/waInstance200/readChat/")
    assert bodies([request]) == [{**ADA, "idMessage": "M1"}]


def test_a_message_without_a_name_of_its_own_is_not_marked_lest_the_whole_chat_be():
    assert drive(PROVIDER.mark_read(heard("content:abc"), CREDENTIALS, None)) == ([], None)


def test_typing_is_shown_for_a_moment():
    [request], _ = drive(PROVIDER.show_typing(heard(), CREDENTIALS, None), answer(200))
    assert request.url.startswith("https://api.green-api.com/waInstance200/sendTyping/")
    assert bodies([request]) == [{**ADA, "typingTime": 2_000}]
