"""What is asked of an Evolution server, and what its answers mean."""

from base64 import b64encode

import pytest

from providers.evolution import PROVIDER
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import Accepted, Fetched, Heard, Outgoing
from schemas.content import Content, Media, MessageKind
from tests.support.exchanges import answer, bodies, drive

KEY, BASE = "B6D711FC-very-secret", "https://evolution.example.com"
CREDENTIALS = {"api_key": KEY}
USER, LID, GROUP = "15550100201", "40000000000201@lid", "120363000000000301@g.us"
TAKEN = answer(201, {"key": {"id": "3EB0OUT", "fromMe": True}, "status": "PENDING"})
HELLO = Content(kind=MessageKind.TEXT, text="hello")


def message(content=HELLO, to=USER, reply_to=None, account="sales"):
    return Outgoing(account=account, to=to, content=content, reply_to=reply_to, reference="r")


def send(response, **changes):
    return drive(PROVIDER.send(message(**changes), CREDENTIALS, BASE), response)


def sent(content=HELLO, **changes):
    [request], result = send(TAKEN, content=content, **changes)
    assert result == Accepted(platform_message_id="3EB0OUT", http_status=201)
    [body] = bodies([request])
    return request.url.removeprefix(BASE), body


def test_a_text_is_sent_by_the_instance_with_its_key():
    [request], _ = send(TAKEN)
    assert (request.method, request.url) == ("POST", f"{BASE}/message/sendText/sales")
    assert request.headers["apikey"] == KEY
    assert request.secrets == (KEY,)
    assert bodies([request]) == [{"number": USER, "text": "hello", "linkPreview": False}]


def test_an_answer_quotes_what_it_answers():
    assert sent(reply_to="3EB0IN")[1]["quoted"] == {"key": {"id": "3EB0IN"}}


@pytest.mark.parametrize("to", [USER, LID, GROUP])
def test_people_hidden_people_and_groups_are_addressed_by_their_names(to):
    assert sent(to=to)[1]["number"] == to


def test_an_odd_name_of_an_instance_stays_within_its_place_in_the_url():
    assert sent(account="a/../b?c=1 é")[0] == "/message/sendText/a%2F..%2Fb%3Fc%3D1%20%C3%A9"


LINK = "https://files.example.com/a.bin"


@pytest.mark.parametrize(
    ("kind", "method", "told"),
    [
        (MessageKind.IMAGE, "sendMedia", {"mediatype": "image", "media": LINK, "caption": "c"}),
        (MessageKind.VIDEO, "sendMedia", {"mediatype": "video", "mimetype": "x/y"}),
        (MessageKind.AUDIO, "sendMedia", {"mediatype": "audio", "media": LINK}),
        (MessageKind.DOCUMENT, "sendMedia", {"mediatype": "document", "fileName": "a.bin"}),
        (MessageKind.VOICE, "sendWhatsAppAudio", {"audio": LINK}),
        (MessageKind.STICKER, "sendSticker", {"sticker": LINK}),
    ],
)
def test_a_file_is_sent_by_its_link(kind, method, told):
    media = Media(reference=LINK, mime="x/y", file_name="a.bin")
    path, body = sent(Content(kind=kind, media=media, caption="c"))
    assert path == f"/message/{method}/sales"
    assert told.items() <= body.items()


def test_a_place_has_a_name_and_an_address_though_they_be_empty():
    place = Content(kind=MessageKind.LOCATION, structured={"latitude": 1, "longitude": "2"})
    path, body = sent(place)
    assert path == "/message/sendLocation/sales"
    told = {"latitude": 1.0, "longitude": 2.0, "name": "", "address": ""}
    assert body == {"number": USER, **told}


def test_a_contact_is_sent_with_its_phone():
    card = {
        "name": "Ada",
        "phones": [{"phone": "1"}, {"phone": "+1 555 010 0299"}],
        "organisation": "Engines",
        "emails": [{"email": "ada@example.com"}],
    }
    content = Content(kind=MessageKind.CONTACT, structured={"contacts": [card]})
    path, body = sent(content)
    assert path == "/message/sendContact/sales"
    assert body["contact"] == [
        {
            "fullName": "Ada",
            "phoneNumber": "+1 555 010 0299",
            "organization": "Engines",
            "email": "ada@example.com",
        }
    ]


@pytest.mark.parametrize(
    ("to", "jid"), [(USER, f"{USER}@s.whatsapp.net"), (LID, LID), (GROUP, GROUP)]
)
@pytest.mark.parametrize("emoji", ["👍", ""])
def test_a_reaction_is_put_on_a_message_or_taken_back(to, jid, emoji):
    told = {"target": "3EB0IN", "emoji": emoji}
    path, body = sent(Content(kind=MessageKind.REACTION, structured=told), to=to, reply_to="x")
    assert path == "/message/sendReaction/sales"
    assert body == {"key": {"remoteJid": jid, "fromMe": False, "id": "3EB0IN"}, "reaction": emoji}


@pytest.mark.parametrize(
    "content",
    [
        Content(kind=MessageKind.TEXT, text=" "),
        Content(kind=MessageKind.TEXT, text="x" * 65_537),
        Content(kind=MessageKind.IMAGE),
        Content(kind=MessageKind.IMAGE, media=Media(reference="sales/3EB01")),
        Content(kind=MessageKind.CONTACT, structured={"contacts": [{"name": "Ada"}]}),
        Content(kind=MessageKind.INTERACTIVE),
    ],
)
def test_what_cannot_be_said_is_refused_without_asking(content):
    requests, result = drive(PROVIDER.send(message(content), CREDENTIALS, BASE))
    assert (requests, result.code) == ([], FailureCode.CONTENT_REFUSED)


HEARD = Heard(account="sales", platform_user_id=USER, platform_message_id="3EB0IN")


@pytest.mark.parametrize("base", [None, ""])
def test_without_the_address_of_its_server_nothing_is_asked(base):
    file = Media(reference="sales/3EB01")
    for exchange in (
        PROVIDER.send(message(), CREDENTIALS, base),
        PROVIDER.fetch_media(file, CREDENTIALS, base, 100),
    ):
        requests, result = drive(exchange)
        assert (requests, result.code) == ([], FailureCode.NOT_CONFIGURED)
        assert "base_url" in result.detail
    for exchange in (PROVIDER.mark_read, PROVIDER.show_typing):
        assert drive(exchange(HEARD, CREDENTIALS, base)) == ([], None)


def error(status, words):
    return answer(status, {"status": status, "error": "Error", "response": {"message": words}})


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (401, "Unauthorized", "unauthenticated"),
        (404, ['The "sales" instance does not exist'], "not_configured"),
        (404, ["Cannot POST /message/sendText/sales"], "not_configured"),
        (400, [{"jid": "1@s.whatsapp.net", "exists": False}], "recipient_unreachable"),
        (400, ["Error: not-acceptable"], "recipient_unreachable"),
        (400, ["Error: forbidden"], "recipient_unreachable"),
        (400, ["Error: Connection Closed"], "provider_down"),
        (500, "Connection Closed", "provider_down"),
        (500, "Cannot read properties of undefined (reading 'onWhatsApp')", "provider_down"),
        (400, ["Error: rate-overlimit"], "throttled"),
        (429, None, "throttled"),
        (400, [['The "text" cannot be empty']], "content_refused"),
        (400, ["Owned media must be a url or base64"], "content_refused"),
        (413, "request entity too large", "too_large"),
        (400, ["Error: something new"], "refused"),
        (403, None, "refused"),
    ],
)
def test_every_error_has_its_meaning(status, words, expected):
    _, failure = send(error(status, words))
    assert isinstance(failure, SendFailure)
    assert (failure.code.value, failure.http_status) == (expected, status)
    assert failure.detail


def test_an_unknown_number_is_told_in_words():
    _, failure = send(error(400, [{"jid": "1@s.whatsapp.net", "exists": False}]))
    assert failure.detail == "WhatsApp does not know this number"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Error: Timed Out", Unknown.TIMEOUT),
        ("PrismaClientKnownRequestError: Unique constraint", Unknown.SERVER_ERROR),
    ],
)
def test_an_error_that_can_come_after_the_message_went_leaves_the_outcome_open(words, reason):
    """Evolution stores a message after it is sent, and answers 400 when storing fails."""
    for status in (400, 500):
        _, result = send(error(status, [words]))
        assert isinstance(result, Unconfirmed)
        assert (result.reason, result.http_status) == (reason, status)


def test_reading_is_shown_by_chat_and_message():
    [request], _ = drive(PROVIDER.mark_read(HEARD, CREDENTIALS, BASE), answer(201))
    assert request.url == f"{BASE}/chat/markMessageAsRead/sales"
    key = {"remoteJid": f"{USER}@s.whatsapp.net", "fromMe": False, "id": "3EB0IN"}
    assert bodies([request]) == [{"readMessages": [key]}]


def test_a_hidden_persons_message_cannot_be_shown_as_read():
    """Evolution leaves such keys out, and answers 201."""
    heard = Heard(account="sales", platform_user_id=LID, platform_message_id="3EB0IN")
    assert drive(PROVIDER.mark_read(heard, CREDENTIALS, BASE)) == ([], None)


def test_typing_is_shown_no_longer_than_a_reply_can_wait():
    [request], _ = drive(PROVIDER.show_typing(HEARD, CREDENTIALS, BASE), answer(201))
    assert request.url == f"{BASE}/chat/sendPresence/sales"
    assert bodies([request]) == [{"number": USER, "presence": "composing", "delay": 2_000}]


def fetch(*answers, reference="sales/3EB01", max_bytes=100, size=None):
    media = Media(reference=reference, size=size)
    return drive(PROVIDER.fetch_media(media, CREDENTIALS, BASE, max_bytes), *answers)


def file(data, **more):
    return answer(201, {"mimetype": "image/png", "base64": b64encode(data).decode()} | more)


def test_a_file_is_asked_for_by_its_message_and_comes_decrypted():
    [request], result = fetch(file(b"abc"))
    assert request.url == f"{BASE}/chat/getBase64FromMediaMessage/sales"
    assert bodies([request]) == [{"message": {"key": {"id": "3EB01"}}, "convertToMp4": False}]
    assert result == Fetched(data=b"abc", mime="image/png")


def test_a_data_url_is_a_file_too():
    encoded = "data:image/png;base64," + b64encode(b"abc").decode()
    assert fetch(answer(201, {"base64": encoded}))[1] == Fetched(data=b"abc", mime=None)


@pytest.mark.parametrize("size", [1, 2, 3, 99, 100])
def test_room_is_left_for_base64_and_what_stands_around_it(size):
    whole = file(bytes(size), fileName="x" * 1000, caption="y" * 1000)
    [request], result = fetch(whole, max_bytes=size)
    assert len(whole.body) <= request.max_bytes
    assert len(result.data) == size


def test_a_file_beyond_the_limit_is_not_kept():
    assert fetch(file(bytes(101)))[1].code is FailureCode.TOO_LARGE
    [request], _ = fetch(file(b"abc"))
    cut_off = answer(201, file(bytes(1_000_000)).body[: request.max_bytes])
    assert fetch(cut_off)[1].code is FailureCode.TOO_LARGE


def test_a_file_that_was_announced_too_large_is_not_asked_for():
    assert fetch(size=101) == ([], fetch(size=101)[1])
    assert fetch(size=101)[1].code is FailureCode.TOO_LARGE


@pytest.mark.parametrize("reference", ["", "3EB01", "/3EB01", "sales/"])
def test_what_names_no_file_is_not_asked_for(reference):
    requests, result = fetch(reference=reference)
    assert (requests, result.code) == ([], FailureCode.REFUSED)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}", b"[]", b'{"base64":7}', b'{"base64":""}', b'{"base64":"a!b"}']
)
def test_an_answer_without_a_file_is_told(body):
    assert fetch(answer(201, body))[1].code is FailureCode.MEDIA_UNAVAILABLE


def test_a_message_that_evolution_has_lost_has_no_file():
    result = fetch(error(400, ["Message not found"]))[1]
    assert result.code is FailureCode.MEDIA_UNAVAILABLE
