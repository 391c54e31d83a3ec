"""A vCard becomes a person's card, however it was written."""

from hypothesis import given
from hypothesis import strategies as st

from providers import vcards

WHOLE = """BEGIN:VCARD
VERSION:3.0
N:Lovelace;Ada;;;
FN:Ada Lovelace
item1.TEL;waid=15550100299;type=CELL:+1 555-010-0299
TEL;TYPE=WORK:+1 555-010-0300
EMAIL;type=HOME:ada@example.com
ORG:Analytical Engines\\, Ltd;
TITLE:Countess
BDAY:1815-12-10
END:VCARD"""


def test_a_card_has_names_phones_and_the_rest():
    assert vcards.card(WHOLE) == {
        "name": "Ada Lovelace",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phones": [
            {"phone": "+1 555-010-0299", "type": "CELL", "whatsapp_id": "15550100299"},
            {"phone": "+1 555-010-0300", "type": "WORK"},
        ],
        "emails": [{"email": "ada@example.com", "type": "HOME"}],
        "organisation": "Analytical Engines, Ltd",
        "title": "Countess",
        "birthday": "1815-12-10",
        "vcard": WHOLE,
    }


def test_the_senders_name_for_a_person_wins():
    assert vcards.card(WHOLE, name="Mum")["name"] == "Mum"


def test_lines_end_and_fold_in_every_way():
    folded = "BEGIN:VCARD\r\nFN:Ada Love\r\n lace\r\nTEL:1\r\n 23\r\nEND:VCARD"
    card = vcards.card(folded)
    assert (card["name"], card["phones"]) == ("Ada Lovelace", [{"phone": "123"}])


def test_without_a_full_name_the_parts_make_one():
    assert vcards.card("N:Lovelace;Ada;;;")["name"] == "Ada Lovelace"


def test_no_card_is_only_a_name():
    assert vcards.card(None, name="Ada") == {"name": "Ada"}
    assert vcards.card("") == {}


@given(st.text())
def test_no_words_are_too_odd_for_a_card(words):
    vcards.card(words)
    vcards.card(f"TEL;{words}:{words}\nN:{words}")
