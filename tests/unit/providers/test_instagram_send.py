"""What is sent to Instagram, what its answers mean, and how files are fetched."""

import pytest

from providers.failures import FailureCode
from providers.instagram import PROVIDER
from providers.protocol import Accepted, Fetched, Heard, Outgoing
from schemas.content import Content, Media, MessageKind
from tests.contract.instagram_case import LINK, USER, error
from tests.support.exchanges import answer, bodies, drive

TOKEN = "IGAA-secret-token"
CREDENTIALS = {"access_token": TOKEN}
OK = answer(200, {"recipient_id": USER, "message_id": "mid.OUT"})
SANDBOX = "http://127.0.0.1:9000/instagram/v23.0"
PICTURE = "https://example.com/a.png"
HEARD = Heard(account="200", platform_user_id=USER, platform_message_id="mid.IN")


def message(content=None, **changes):
    told = {
        "account": "200",
        "to": USER,
        "content": content or Content(kind=MessageKind.TEXT, text="hello"),
        "reply_to": None,
        "reference": "reply-1",
    }
    return Outgoing(**told | changes)


def sent(outgoing, response=OK):
    requests, result = drive(PROVIDER.send(outgoing, CREDENTIALS, None), response)
    assert isinstance(result, Accepted)
    [body] = bodies(requests)
    return body


def refused(response):
    return drive(PROVIDER.send(message(), CREDENTIALS, None), response)[1]


def file(kind, reference=PICTURE, **parts):
    return Content(kind=kind, media=Media(reference=reference), **parts)


def reaction(emoji, target="mid.IN"):
    return Content(kind=MessageKind.REACTION, structured={"emoji": emoji, "target": target})


def test_a_text_is_sent_as_meta_documents_it():
    [request], _ = drive(PROVIDER.send(message(reply_to="mid.IN"), CREDENTIALS, None), OK)
    assert request.method == "POST"
    assert request.url == "https://graph.facebook.com/v23.0/me/messages"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert bodies([request]) == [
        {
            "recipient": {"id": USER},
            "messaging_type": "RESPONSE",
            "message": {"text": "hello", "metadata": "reply-1"},
            "reply_to": {"mid": "mid.IN"},
        }
    ]


@pytest.mark.parametrize(
    ("reply_to", "mid"), [("mid.IN#2", "mid.IN"), ("content:1234", None), (None, None), ("", None)]
)
def test_only_what_meta_has_named_is_answered_by_name(reply_to, mid):
    body = sent(message(reply_to=reply_to))
    assert body.get("reply_to") == ({"mid": mid} if mid else None)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (MessageKind.IMAGE, "image"),
        (MessageKind.VIDEO, "video"),
        (MessageKind.AUDIO, "audio"),
        (MessageKind.VOICE, "audio"),
        (MessageKind.DOCUMENT, "file"),
    ],
)
def test_a_file_is_sent_by_its_link_or_by_its_id(kind, word):
    told = sent(message(file(kind)))["message"]
    assert told["attachment"] == {"type": word, "payload": {"url": PICTURE}}
    assert told["metadata"] == "reply-1"
    told = sent(message(file(kind, "1745504518999123")))["message"]
    assert told["attachment"]["payload"] == {"attachment_id": "1745504518999123"}


@pytest.mark.parametrize(
    ("emoji", "action", "named"),
    [
        ("❤️", "react", {"reaction": "love"}),
        ("❤", "react", {"reaction": "love"}),
        ("🔥", "react", {"reaction": "🔥"}),
        ("", "unreact", {}),
    ],
)
def test_a_reaction_is_done_and_has_no_name_of_its_own(emoji, action, named):
    done = answer(200, {"recipient_id": USER})
    body = sent(message(reaction(emoji, "mid.IN#1")), done)
    payload = {"message_id": "mid.IN", **named}
    assert body == {"recipient": {"id": USER}, "sender_action": action, "payload": payload}


@pytest.mark.parametrize(
    "content",
    [
        Content(kind=MessageKind.TEXT, text=None),
        Content(kind=MessageKind.TEXT, text=" \n"),
        Content(kind=MessageKind.TEXT, text="x" * 1001),
        Content(kind=MessageKind.TEXT, text="é" * 501),
        Content(kind=MessageKind.IMAGE),
        file(MessageKind.IMAGE, caption="words"),
        file(MessageKind.STICKER),
        reaction("❤️", None),
        reaction("❤️", "content:1234"),
        Content(kind=MessageKind.LOCATION, structured={"latitude": 1.0, "longitude": 2.0}),
        Content(kind=MessageKind.CONTACT, structured={"contacts": [{"name": "N"}]}),
        Content(kind=MessageKind.ORDER, structured={"items": []}),
        Content(kind=MessageKind.UNSUPPORTED),
    ],
)
def test_what_cannot_be_said_is_refused_without_asking(content):
    requests, result = drive(PROVIDER.send(message(content), CREDENTIALS, None))
    assert requests == []
    assert result.code is FailureCode.CONTENT_REFUSED
    assert result.detail


@pytest.mark.parametrize("words", ["x" * 1000, "é" * 500, "🧵" * 250])
def test_a_thousand_bytes_are_sent_whatever_they_are(words):
    assert sent(message(Content(kind=MessageKind.TEXT, text=words)))


def test_a_long_reference_is_cut_to_what_metadata_holds():
    assert len(sent(message(reference="r" * 2000))["message"]["metadata"]) == 1000


@pytest.mark.parametrize(
    ("status", "code", "subcode", "expected"),
    [
        (403, 10, 2534022, "outside_window"),
        (400, 10, 2018278, "outside_window"),
        (403, 10, None, "unauthenticated"),
        (400, 551, None, "recipient_unreachable"),
        (400, 200, 1545041, "recipient_unreachable"),
        (400, 100, 2018001, "recipient_unreachable"),
        (400, 100, 2534014, "recipient_unreachable"),
        (400, 100, 2534037, "refused"),
        (400, 100, 33, "refused"),
        (400, 100, None, "content_refused"),
        (400, 100, 2018109, "too_large"),
        (400, 100, 2018008, "media_unavailable"),
        *((400, code, None, "throttled") for code in (4, 17, 32, 613, 80006)),
        (429, 613, None, "throttled"),
        (400, 190, 463, "unauthenticated"),
        (401, 190, 2534022, "unauthenticated"),
        (400, 368, None, "account_disabled"),
        (400, 1200, None, "provider_down"),
        (500, 2, None, "provider_down"),
        (400, 98765, 2, "refused"),
    ],
)
def test_every_error_has_its_meaning(status, code, subcode, expected):
    failure = refused(answer(status, error(code, "words", subcode)))
    assert failure.code.value == expected
    assert failure.http_status == status
    assert "words" in failure.detail


@pytest.mark.parametrize(
    ("shown", "word"), [(PROVIDER.mark_read, "mark_seen"), (PROVIDER.show_typing, "typing_on")]
)
def test_reading_and_typing_are_shown_to_the_person(shown, word):
    requests, result = drive(shown(HEARD, CREDENTIALS, SANDBOX), answer(200))
    assert result is None
    assert requests[0].url == f"{SANDBOX}/me/messages"
    assert bodies(requests) == [{"recipient": {"id": USER}, "sender_action": word}]


def fetch(reference, *answers, base_url=None, credentials=CREDENTIALS):
    media = Media(reference=reference)
    return drive(PROVIDER.fetch_media(media, credentials, base_url, 100), *answers)


def test_a_file_is_fetched_by_its_link_and_without_the_token():
    requests, result = fetch(LINK, answer(200, b"ogg", content_type="audio/ogg"))
    assert result == Fetched(data=b"ogg", mime="audio/ogg")
    [request] = requests
    assert (request.method, request.url, request.body) == ("GET", LINK, b"")
    assert request.headers == {}
    assert request.max_bytes == 101


def test_a_file_is_fetched_for_an_account_without_credentials():
    _, result = fetch(LINK, answer(200, b"x"), credentials={})
    assert isinstance(result, Fetched)


def test_the_signature_of_a_link_is_shown_nowhere():
    signed = "https://scontent.cdninstagram.com/v/a.jpg?oh=00_AYe%2Fsigned&oe=6A5B4C3D&x=1"
    told = answer(400, error(100, "no oh=00_AYe%2Fsigned&oe=6A5B4C3D&x=1, no 00_AYe/signed"))
    [request], failure = fetch(signed, told)
    assert "signed" not in repr(request)
    assert "signed" not in request.struck(f"{signed} and 00_AYe/signed")
    assert "signed" not in failure.detail


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "500",
        "https://evil.example.com/a.png",
        "https://127.0.0.1/a",
        "http://lookaside.fbsbx.com/a",
        "https://fbsbx.com.evil.com/a",
        "https://evilcdninstagram.com/a",
        "https://user@lookaside.fbsbx.com/a",
        "https://www.instagram.com/reel/1/",
        "https://graph.facebook.com/v23.0/me",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_file_of_metas_is_not_asked_for(reference):
    requests, result = fetch(reference)
    assert (requests, result.code) == ([], FailureCode.REFUSED)


def test_a_sandbox_serves_files_at_its_own_address_only():
    _, result = fetch("http://127.0.0.1:9000/cdn/1", answer(200, b"x"), base_url=SANDBOX)
    assert isinstance(result, Fetched)
    requests, _ = fetch("http://127.0.0.1:9001/cdn/1", base_url=SANDBOX)
    assert requests == []


def test_a_link_that_leads_on_within_metas_hosts_is_followed():
    onward = "https://scontent.fra1-1.fbcdn.net/v/a.jpg?oh=1"
    for place in (onward, "/v/a.jpg?oh=1"):
        requests, result = fetch(LINK, answer(302, location=place), answer(200, b"x"))
        assert isinstance(result, Fetched)
        assert requests[1].url.endswith("/v/a.jpg?oh=1")


@pytest.mark.parametrize(
    "place", ["https://evil.example.com/", "http://lookaside.fbsbx.com/1", "https://[", "file:///x"]
)
def test_a_link_that_leads_elsewhere_is_not_followed(place):
    requests, result = fetch(LINK, answer(302, location=place))
    assert (len(requests), result.code) == (1, FailureCode.UNSAFE_ADDRESS)


def test_a_link_that_leads_on_and_on_is_given_up():
    requests, result = fetch(LINK, *[answer(302, location=LINK)] * 4)
    assert len(requests) == 4
    assert result.http_status == 302


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_behind_an_expired_link_the_file_is_no_more(status):
    _, result = fetch(LINK, answer(status, b"URL signature expired"))
    assert (result.code, result.http_status) == (FailureCode.MEDIA_UNAVAILABLE, status)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_of_the_cdn_passes(status):
    _, result = fetch(LINK, answer(status))
    assert result.retryable
