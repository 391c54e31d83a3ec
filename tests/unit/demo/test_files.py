"""The files of the demo, and the webhooks that lead to them."""

import pypdfium2

from chatfold.demo import files, script
from chatfold.demo.expected import expected
from chatfold.files.kinds import mime_of
from providers.protocol import Message
from providers.registry import PROVIDERS

URL = "http://127.0.0.1:1"
FOREIGN = b"ig_messaging_cdn"


def media(webhooks):
    for webhook in webhooks:
        for item in script.items(webhook) if webhook.status == 200 else ():
            told = PROVIDERS[webhook.provider].parse(item.kind, item.fragment)
            if isinstance(told, Message) and told.content.media:
                yield webhook, told.content


def test_a_file_is_what_it_says():
    for file in files.OF_KIND.values():
        assert mime_of(file.data, None) == file.mime


def test_the_document_holds_its_words():
    opened = pypdfium2.PdfDocument(files.document("Two jars"))
    assert opened[0].get_textpage().get_text_bounded() == "Two jars"


def test_every_file_that_is_told_of_is_the_one_that_the_sandbox_holds():
    play = [files.at_sandbox(one, URL) for one in script.webhooks()]
    found = list(media(play))
    assert {webhook.provider for webhook, _ in found} == PROVIDERS.keys()
    for _, content in found:
        assert content.media.sha256 in {None, files.OF_KIND[content.kind].digest.hex()}
    assert not any(FOREIGN in webhook.body for webhook, _ in found)


def test_nothing_but_the_files_is_changed():
    told = expected(script.webhooks())
    play = expected(files.at_sandbox(one, URL) for one in script.webhooks())
    assert play == told
    assert play.found["files_stored"] == play.kinds.total() > play.found["documents_read"] > 0


def test_a_file_is_held_by_the_name_that_its_provider_knows():
    names = {
        "500000000000003": "500000000000003",
        "message:DEMO1.document-g": "DEMO1.document-g",
        "demo/3EB01": "3EB01",
        "7103000001 1@c.us DEMO1-audio": "DEMO1-audio",
        f"{URL}/instagram/cdn/179?signature=S/a": "179",
    }
    for reference, name in names.items():
        assert files.name_of(files.Media(reference=reference)) == name
