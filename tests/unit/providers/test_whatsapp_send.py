"""What is sent to the Cloud API, and what its answers mean."""

import pytest

from providers.failures import FailureCode
from providers.protocol import Accepted, Fetched, Heard, Outgoing
from providers.templates import as_template
from providers.whatsapp_cloud import PROVIDER
from schemas.content import Content, Media, MessageKind
from tests.support.exchanges import answer, bodies, drive

TOKEN = "EAAB-secret-token"
CREDENTIALS = {"access_token": TOKEN}
OK = answer(200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.OUT"}]})
CONTACT = {
    "contacts": [
        {
            "name": "Charles Babbage",
            "first_name": "Charles",
            "last_name": "Babbage",
            "phones": [{"phone": "+15550100202", "type": "WORK", "whatsapp_id": "1"}],
            "organisation": "Engines Ltd",
        }
    ]
}


def message(content=None, **changes):
    told = {
        "account": "200",
        "to": "15550100201",
        "content": content or Content(kind=MessageKind.TEXT, text="hello"),
        "reply_to": None,
        "reference": "reply-1",
    }
    return Outgoing(**told | changes)


def sent(outgoing):
    requests, result = drive(PROVIDER.send(outgoing, CREDENTIALS, None), OK)
    assert result == Accepted(platform_message_id="wamid.OUT", http_status=200)
    [body] = bodies(requests)
    return body


def refused(response):
    return drive(PROVIDER.send(message(), CREDENTIALS, None), response)[1]


def file(kind, **parts):
    media = Media(reference=parts.pop("reference", "500"), file_name=parts.pop("file_name", None))
    return Content(kind=kind, media=media, **parts)


def test_a_text_is_sent_as_the_cloud_api_documents_it():
    [request], _ = drive(PROVIDER.send(message(reply_to="wamid.IN"), CREDENTIALS, None), OK)
    assert (request.method, request.url) == (
        "POST",
        "https://graph.facebook.com/v23.0/200/messages",
    )
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert bodies([request]) == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "15550100201",
            "type": "text",
            "text": {"body": "hello", "preview_url": False},
            "context": {"message_id": "wamid.IN"},
            "biz_opaque_callback_data": "reply-1",
        }
    ]


@pytest.mark.parametrize("with_words", [True, False])
def test_words_are_sent_as_an_approved_template_in_one_line(with_words):
    words = Content(kind=MessageKind.TEXT, text="Your order\n has \t arrived")
    content = as_template(words, name="follow_up", language="de", with_words=with_words)
    body = sent(message(content))
    told = {"name": "follow_up", "language": {"code": "de"}}
    if with_words:
        parameter = {"type": "text", "text": "Your order has arrived"}
        told["components"] = [{"type": "body", "parameters": [parameter]}]
    assert (body["type"], body["template"]) == ("template", told)


@pytest.mark.parametrize(
    ("to", "address"),
    [
        ("15550100201", {"recipient_type": "individual", "to": "15550100201"}),
        (
            "CO.1047385771169864",
            {"recipient_type": "individual", "recipient": "CO.1047385771169864"},
        ),
        ("US.ENT.118157992", {"recipient_type": "individual", "recipient": "US.ENT.118157992"}),
        ("Y2FwaV9ncm91cDox", {"recipient_type": "group", "to": "Y2FwaV9ncm91cDox"}),
    ],
)
def test_people_without_a_phone_and_groups_are_addressed_in_their_own_way(to, address):
    body = sent(message(to=to))
    names = ("recipient_type", "to", "recipient")
    assert {name: body[name] for name in names if name in body} == address


@pytest.mark.parametrize(
    ("content", "word", "node"),
    [
        (file(MessageKind.IMAGE, caption="c"), "image", {"id": "500", "caption": "c"}),
        (
            file(MessageKind.IMAGE, reference="https://example.com/a.png"),
            "image",
            {"link": "https://example.com/a.png"},
        ),
        (
            file(MessageKind.DOCUMENT, file_name="a.pdf"),
            "document",
            {"id": "500", "filename": "a.pdf"},
        ),
        (file(MessageKind.VOICE, caption="never"), "audio", {"id": "500"}),
        (file(MessageKind.AUDIO), "audio", {"id": "500"}),
        (file(MessageKind.VIDEO), "video", {"id": "500"}),
        (file(MessageKind.STICKER), "sticker", {"id": "500"}),
        (
            Content(
                kind=MessageKind.LOCATION,
                structured={"latitude": 0.0, "longitude": 1.5, "name": "N", "map_url": "x"},
            ),
            "location",
            {"latitude": 0.0, "longitude": 1.5, "name": "N"},
        ),
        (
            Content(kind=MessageKind.CONTACT, structured=CONTACT),
            "contacts",
            [
                {
                    "name": {
                        "formatted_name": "Charles Babbage",
                        "first_name": "Charles",
                        "last_name": "Babbage",
                    },
                    "phones": [{"phone": "+15550100202", "type": "WORK"}],
                    "org": {"company": "Engines Ltd"},
                }
            ],
        ),
        (
            Content(kind=MessageKind.REACTION, structured={"emoji": "", "target": "wamid.1"}),
            "reaction",
            {"message_id": "wamid.1", "emoji": ""},
        ),
    ],
)
def test_other_kinds_are_sent_in_their_own_words(content, word, node):
    body = sent(message(content))
    assert (body["type"], body[word]) == (word, node)


@pytest.mark.parametrize(
    "content",
    [
        Content(kind=MessageKind.TEXT, text=None),
        Content(kind=MessageKind.TEXT, text=" \n"),
        Content(kind=MessageKind.TEXT, text="x" * 4097),
        Content(kind=MessageKind.IMAGE),
        file(MessageKind.IMAGE, caption="x" * 1025),
        Content(kind=MessageKind.LOCATION, structured={"latitude": 1.0}),
        Content(kind=MessageKind.CONTACT, structured={"contacts": [{}]}),
        Content(kind=MessageKind.CONTACT),
        Content(kind=MessageKind.REACTION, structured={"emoji": "👍"}),
        Content(kind=MessageKind.ORDER, structured={"items": []}),
        Content(kind=MessageKind.SYSTEM),
        Content(kind=MessageKind.UNSUPPORTED),
    ],
)
def test_what_cannot_be_said_is_refused_without_asking(content):
    requests, result = drive(PROVIDER.send(message(content), CREDENTIALS, None))
    assert requests == []
    assert result.code is FailureCode.CONTENT_REFUSED
    assert result.detail


def test_4096_characters_are_sent_whatever_they_are():
    assert sent(message(Content(kind=MessageKind.TEXT, text="🧵" * 4096)))


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        *((400, code, "throttled") for code in (4, 80007, 130429, 131048, 131056, 131064, 133016)),
        (429, 100, "throttled"),
        *((400, code, "provider_down") for code in (131000, 131016, 131057)),
        (500, 131000, "provider_down"),
        (503, 999999, "provider_down"),
        (400, 131053, "media_unavailable"),
        (400, 131047, "outside_window"),
        (400, 131026, "recipient_unreachable"),
        (400, 131030, "recipient_unreachable"),
        *((400, code, "content_refused") for code in (100, 131008, 131009, 131051, 132001)),
        *((403, code, "unauthenticated") for code in (0, 10, 190, 200, 250, 299)),
        (401, 999999, "unauthenticated"),
        (400, 368, "account_disabled"),
        (403, 131031, "account_disabled"),
        (400, 131049, "refused"),
        (404, None, "refused"),
        (413, None, "too_large"),
    ],
)
def test_every_error_has_its_meaning(status, code, expected):
    error = {"message": "words", "code": code, "error_data": {"details": "more words"}}
    failure = refused(answer(status, {"error": error}))
    assert failure.code.value == expected
    assert failure.http_status == status
    assert "words: more words" in failure.detail


def test_a_wrong_account_is_not_blamed_on_the_content():
    error = {"code": 100, "error_subcode": 33, "message": "Unsupported post request"}
    assert refused(answer(400, {"error": error})).code is FailureCode.REFUSED


def test_media_is_fetched_in_two_steps_and_its_type_is_metas_word():
    exchange = PROVIDER.fetch_media(Media(reference="500"), CREDENTIALS, None, 100)
    url = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=500"
    told = {"url": url, "mime_type": "image/png", "file_size": 3, "id": "500"}
    requests, result = drive(
        exchange, answer(200, told), answer(200, b"png", content_type="text/html")
    )
    assert [request.url for request in requests] == ["https://graph.facebook.com/v23.0/500", url]
    assert {request.headers["authorization"] for request in requests} == {f"Bearer {TOKEN}"}
    assert result == Fetched(data=b"png", mime="image/png")


def test_a_link_that_is_dead_is_asked_for_once_more():
    told, gone = answer(200, {"url": "https://lookaside.fbsbx.com/a?mid=500"}), answer(404)

    def fetch(*answers):
        return drive(PROVIDER.fetch_media(Media(reference="500"), CREDENTIALS, None, 9), *answers)

    requests, result = fetch(told, gone, told, answer(200, b"png"))
    assert len(requests) == 4
    assert isinstance(result, Fetched)
    _, result = fetch(told, gone, told, gone)
    assert result.code is FailureCode.MEDIA_UNAVAILABLE


@pytest.mark.parametrize("reference", ["", "../me", "5/0", "5?x=1", "https://evil.com/1"])
def test_what_is_no_media_id_is_not_asked_for(reference):
    exchange = PROVIDER.fetch_media(Media(reference=reference), CREDENTIALS, None, 100)
    requests, result = drive(exchange)
    assert (requests, result.code) == ([], FailureCode.REFUSED)


HEARD = Heard(account="200", platform_user_id="15550100201", platform_message_id="wamid.IN")


def test_typing_is_shown_together_with_the_reading():
    requests, _ = drive(PROVIDER.show_typing(HEARD, CREDENTIALS, None), answer(200))
    (body,) = bodies(requests)
    assert (body["status"], body["typing_indicator"]) == ("read", {"type": "text"})


def test_reading_is_shown_by_the_message_it_is_about():
    requests, result = drive(PROVIDER.mark_read(HEARD, CREDENTIALS, None), answer(200))
    assert result is None
    assert bodies(requests) == [
        {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN"}
    ]
