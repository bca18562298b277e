"""Russian and Turkmen are complete and fit the English texts that the code shows now."""

import gettext
import re
import string
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
from messages import LANGUAGES, forms, kept, texts

pytestmark = pytest.mark.once

PLACEHOLDER = re.compile(r"%\((\w+)\)")
END = (".", ":", "?", "!", "…")
TAG = re.compile(r"</?\w+")
# The plural form that a number takes, in the order in which the catalogue has them.
PLURALS = {
    "ru": {1: 0, 21: 0, 101: 0, 2: 1, 4: 1, 22: 1, 0: 2, 5: 2, 11: 2, 12: 2, 14: 2, 25: 2, 111: 2},
    "tk": {1: 0, 0: 1, 2: 1, 5: 1, 11: 1, 21: 1, 100: 1},
}
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
TURKMEN = set("AÄBÇDEFGHIJŽKLMNŇOÖPRSŞTUÜWYÝZaäbçdefghijžklmnňoöprsştuüwyýz")


@pytest.fixture(scope="module")
def english():
    found = texts()
    assert len(found) > 100
    return found


@pytest.fixture(scope="module", params=LANGUAGES)
def catalog(request):
    return kept(request.param)


def key(message):
    return (message.context, message.id if isinstance(message.id, str) else tuple(message.id))


def words(message):
    return [message.id] if isinstance(message.id, str) else list(message.id)


def translated(catalog):
    return [message for message in catalog if message.id]


def test_every_text_is_translated_and_nothing_else_is(english, catalog):
    shown = {key(message) for message in translated(english)}
    known = {key(message) for message in translated(catalog)}

    assert sorted(shown - known, key=str) == [], "to be added: make messages"
    assert sorted(known - shown, key=str) == [], "no longer shown: make messages"
    assert list(catalog.obsolete) == []


def test_no_text_is_empty_or_guessed(catalog):
    unfinished = [message.id for message in translated(catalog) if message.fuzzy or not all(forms(message))]

    assert unfinished == []
    assert not catalog.fuzzy


def test_numbers_take_the_plural_form_of_the_language(catalog):
    choose = gettext.c2py(catalog.plural_expr)

    assert {number: choose(number) for number in PLURALS[str(catalog.locale)]} == PLURALS[str(catalog.locale)]
    assert catalog.num_plurals == len(set(PLURALS[str(catalog.locale)].values()))
    assert [
        message.id
        for message in translated(catalog)
        if len(forms(message)) != (catalog.num_plurals if message.pluralizable else 1)
    ] == []


def test_placeholders_and_tags_are_those_of_the_english_text(catalog):
    wrong = []
    for message in translated(catalog):
        names = set(PLACEHOLDER.findall(" ".join(words(message))))
        tags = Counter(TAG.findall(words(message)[-1]))
        for form in forms(message):
            # The form for one alone may do without its number.
            optional = {"num"} if message.pluralizable else set()
            fits = names - optional <= set(PLACEHOLDER.findall(form)) <= names and Counter(TAG.findall(form)) == tags
            if not (fits and formats(form, names)):
                wrong.append((message.id, form))

    assert wrong == []


def formats(form, names):
    """Whether Python can fill the text: a percent sign that stands for itself is doubled."""
    if not names:
        return True
    try:
        return bool(form % dict.fromkeys(names, 1))
    except (TypeError, ValueError):
        return False


def test_a_translation_ends_as_the_english_text_does(catalog):
    """Spaces or a full stop lost at an edge show where texts meet."""
    uneven = []
    for message in translated(catalog):
        for shown, form in ((shown, form) for shown in words(message)[-1:] for form in forms(message) if form):
            uneven += [form] if edges(shown) != edges(form) else []
            # Not an abbreviation, nor before a value that may bring a full stop of its own, as Russian dates do.
            sentence = len(shown.split()) > 3 and not form.endswith(")s")
            uneven += [form] if sentence and shown.endswith(END) != form.endswith(END) else []

    assert uneven == []


def edges(text):
    return text[:1].isspace(), text[-1:].isspace()


def test_sentences_are_written_in_the_letters_of_the_language(catalog):
    foreign = []
    for message in translated(catalog):
        for form in forms(message):
            plain = re.sub(r"%\(\w+\)[sd]|<[^>]*>|&\w+;|\S+[@/]\S+", " ", form)
            if len(re.findall(r"[^\W\d]{2,}", plain)) < 3:
                continue  # a name, an abbreviation, a date
            if str(catalog.locale) == "ru" and not CYRILLIC.search(plain):
                foreign.append(form)
            if str(catalog.locale) == "tk" and CYRILLIC.search(plain):
                foreign.append(form)
            if str(catalog.locale) == "tk" and not (set(plain) - set(string.ascii_letters)) & TURKMEN:
                # Hardly a Turkmen sentence of some length does without a letter that English lacks.
                foreign += [form] if len(plain) > 60 else []

    assert foreign == []


def test_turkmen_has_one_word_for_a_booking_and_one_for_a_hold():
    """A booking is "sargyt", to book "sargyt etmek"; "bron" is only the hold: "wagtlaýyn bron"."""
    mixed = [
        form
        for message in translated(kept("tk"))
        for form in forms(message)
        if re.search(r"\bbron", re.sub(r"wagtlaýyn bron", "", form, flags=re.IGNORECASE), re.IGNORECASE)
    ]

    assert mixed == []
