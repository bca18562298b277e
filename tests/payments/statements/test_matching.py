"""For which transfer money came: how sure, and why."""

import pytest

from portal.kernel.references import with_check
from portal.payments.statements.matching import Awaited, Book, Confidence, Ground

pytestmark = pytest.mark.once

ANNA = Awaited(1, "7K2M9BCD", "PQRS2345", 2000_00, "RUB", ("Anna Ivanova", "IVANOVA ANNA", "Иванова Анна"))
MERET = Awaited(2, "XYZW8765", "GHJK4567", 2000_00, "RUB", ("Meret Berdiyev",))
CHECKED = with_check("7K2M9BCD")  # "7K2M9BCD-…"


def match(purpose="", payer="", minor=2000_00, currency="RUB", awaited=(ANNA, MERET)):
    found = Book(awaited).match(minor=minor, currency=currency, purpose=purpose, payer=payer)
    return found.confidence, found.payment and found.payment.payment_id, set(found.grounds)


@pytest.mark.parametrize(
    "purpose",
    [
        f"Платёж {CHECKED} по брони {with_check('PQRS2345')}",
        f"оплата {CHECKED.lower()}",
        f"ОПЛАТА{CHECKED}НДС НЕ ОБЛАГАЕТСЯ",
        f"{CHECKED[:3]} {CHECKED[3:6]} {CHECKED[6:]}",
        CHECKED.replace("K", "К").replace("M", "М").replace("B", "В").replace("C", "С"),  # Cyrillic
    ],
)
def test_a_reference_with_its_check_letter_is_certain(purpose):
    assert match(purpose) == (Confidence.CERTAIN, 1, {Ground.REFERENCE, Ground.AMOUNT})


def test_the_reference_of_the_booking_is_certain_while_it_has_one_transfer():
    other = Awaited(3, "BBBBBBBB", "PQRS2345", 500_00, "RUB")
    purpose = f"booking {with_check('PQRS2345')}"

    assert match(purpose) == (Confidence.CERTAIN, 1, {Ground.BOOKING, Ground.AMOUNT})
    assert match(purpose, awaited=(ANNA, other))[0] is Confidence.PROPOSED


@pytest.mark.parametrize(
    ("minor", "ground"), [(2000_00, Ground.AMOUNT), (1999_99, Ground.LESS), (2000_01, Ground.MORE)]
)
def test_a_certain_match_says_how_the_sum_compares(minor, ground):
    assert match(CHECKED, minor=minor) == (Confidence.CERTAIN, 1, {Ground.REFERENCE, ground})


@pytest.mark.parametrize(
    ("written", "grounds"),
    [
        ("7K2M9BCD", {Ground.NO_CHECK, Ground.AMOUNT}),
        (CHECKED.replace("M", "N"), {Ground.DAMAGED, Ground.AMOUNT}),
        (CHECKED.replace("K2", "2K"), {Ground.DAMAGED, Ground.AMOUNT}),
        (CHECKED.replace("K2", "KZZ"), {Ground.DAMAGED, Ground.AMOUNT}),
        (CHECKED.replace("9", ""), {Ground.DAMAGED, Ground.AMOUNT}),
    ],
)
def test_a_damaged_reference_is_proposed_and_never_used_unasked(written, grounds):
    assert match(f"оплата {written} за круиз") == (Confidence.PROPOSED, 1, grounds)


def test_the_sum_with_the_name_is_proposed():
    assert match("за круиз", "ИВАНОВА АННА ПЕТРОВНА") == (Confidence.PROPOSED, 1, {Ground.AMOUNT, Ground.NAME})
    assert match("cruise", "BERDIYEV MERET") == (Confidence.PROPOSED, 2, {Ground.AMOUNT, Ground.NAME})


@pytest.mark.parametrize(
    ("purpose", "payer", "minor"),
    [("за круиз", "СИДОРОВ", 2000_00), ("за круиз", "ИВАНОВА АННА", 1000_00), ("", "", 2000_00)],
)
def test_a_sum_or_a_name_alone_proves_nothing(purpose, payer, minor):
    assert match(purpose, payer, minor) == (Confidence.NONE, None, {Ground.NOTHING})


def test_two_that_fit_alike_are_said_to():
    twin = Awaited(3, "BBBBBBBB", "CCCCCCCC", 2000_00, "RUB", ("Anna Ivanova",))

    assert Ground.SEVERAL in match("за круиз", "ИВАНОВА АННА", awaited=(ANNA, twin))[2]


def test_money_for_two_payments_is_not_given_to_one_of_them():
    confidence, _payment, grounds = match(f"{CHECKED}, {with_check('XYZW8765')}", minor=4000_00)

    assert confidence is Confidence.PROPOSED
    assert Ground.SEVERAL in grounds


def test_another_currency_is_never_used_unasked():
    assert match(CHECKED, currency="USD")[0] is Confidence.PROPOSED


def test_a_received_payment_is_recognised():
    received = Awaited(1, "7K2M9BCD", "PQRS2345", 2000_00, "RUB", open=False, received=True)
    by_hand = Awaited(1, "7K2M9BCD", "PQRS2345", 2000_00, "RUB", open=False, received=True, by_hand=True)

    assert match(CHECKED, awaited=(received,))[2] == {Ground.REFERENCE, Ground.ALREADY}
    assert match(CHECKED, awaited=(by_hand,))[2] == {Ground.REFERENCE, Ground.BY_HAND}
    assert match(CHECKED, awaited=(by_hand,), minor=1)[2] == {Ground.REFERENCE, Ground.ALREADY}


def test_what_came_by_a_line_before_is_not_awaited_again():
    book = Book([ANNA])

    book.take("7K2M9BCD", 1500_00)
    rest = book.match(minor=500_00, currency="RUB", purpose=CHECKED, payer="")
    book.take("7K2M9BCD", 500_00)
    again = book.match(minor=500_00, currency="RUB", purpose=CHECKED, payer="")

    assert rest.grounds == (Ground.REFERENCE, Ground.AMOUNT)
    assert again.grounds == (Ground.REFERENCE, Ground.ALREADY)
    assert book.match(minor=500_00, currency="RUB", purpose="", payer="IVANOVA ANNA").payment is None
