from io import BytesIO

from openpyxl import load_workbook
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.models import Sex
from portal.booking.services import confirm_booking
from portal.database import db
from tests.factories import NOON, details, make_account, make_booking, make_season


def download(browser, season, language="en"):
    browser.sign_in(make_account(Role.OPERATOR))
    answer = browser.open(f"/{language}/staff/sailings/{season.sailing.code}/passengers.xlsx")
    assert answer.status == 200
    return answer, load_workbook(BytesIO(answer.content)).active


def rows(sheet):
    table = list(sheet.iter_rows(min_row=7))
    labels = [cell.value for cell in table[0]]
    return [dict(zip(labels, row, strict=True)) for row in table[1:]]


def test_everyone_of_a_confirmed_booking_is_listed_by_name_with_the_whole_document(browser):
    season = make_season()
    confirmed = make_booking(
        season,
        passengers=(
            details(surname="ZIMINA", document_number="751234567"),
            details(surname="ABDYEV", sex=Sex.MALE, citizenship="TM"),
        ),
    )
    make_booking(season, cabin=1)  # waits for money: not aboard yet
    confirm_booking(booking_id=confirmed.id, now=NOON)

    answer, sheet = download(browser, season)

    listed = rows(sheet)
    assert [row["Family name"].value for row in listed] == ["ABDYEV", "ZIMINA"]
    assert listed[1]["Number of document"].value == "751234567"
    assert listed[1]["Number of document"].data_type == "s"  # leading zeros stay
    assert listed[0]["Date of birth"].is_date
    assert (listed[0]["Port of embarkation"].value, listed[0]["Cabin"].value) == ("RUASF", "301")
    assert listed[0]["Booking"].value == confirmed.reference
    assert answer.headers["Content-Disposition"] == f'attachment; filename="passengers-{season.sailing.code}.xlsx"'
    assert "no-store" in answer.headers["Cache-Control"]


def test_nothing_that_was_typed_becomes_a_formula_or_a_link(browser):
    season = make_season()
    names = ["=HYPERLINK(\"http://evil.example\")", "+1+1", "@SUM(A1)", "-2", "http://evil.example/", "007"]
    travellers = [details(surname=f"SAFE{i}", local_surname=name) for i, name in enumerate(names)]
    for cabin, pair in enumerate(zip(travellers[::2], travellers[1::2], strict=True)):
        confirm_booking(booking_id=make_booking(season, cabin=cabin, passengers=pair).id, now=NOON)

    _, sheet = download(browser, season)

    cells = [row["Name in the own language"] for row in rows(sheet)]
    assert [cell.value.removesuffix(" Анна") for cell in cells] == names
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.hyperlink for cell in cells] == [None] * len(names)


def test_what_a_passenger_has_not_told_yet_is_a_clear_gap(browser):
    season = make_season()
    given = details(document_number=None, document_kind=None, document_expires=None, sex=None, birth_place="Baku")
    confirm_booking(booking_id=make_booking(season, passengers=(given,)).id, now=NOON)

    _, sheet = download(browser, season)

    [row] = rows(sheet)
    gaps = [label for label, cell in row.items() if cell.value == "missing"]
    assert gaps == ["Gender", "Type of document", "Number of document", "Expiry date"]
    assert row["Place of birth"].value == "Baku"


def test_the_download_stands_in_the_trail(browser):
    season = make_season()

    download(browser, season)

    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject_reference) == ("passenger_list.taken", season.sailing.code)
    assert entry.actor.startswith("account:")


def test_money_alone_gives_no_right_to_document_numbers(browser):
    season = make_season()
    browser.sign_in(make_account(Role.FINANCE))

    assert browser.open(f"/en/staff/sailings/{season.sailing.code}/passengers.xlsx").status == 403
