"""Visa cases from gathering papers to the answer, the invitation pack, and group lists."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook
from pikepdf import Pdf
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.models import Booking, FiledList, Passenger
from portal.database import db
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.payments.cancellations.models import CancelReason
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview
from portal.payments.services import receive_transfer, start_transfer
from portal.visas.cases.models import CaseState, ListKind, ListState, VisaCase, VisaList
from portal.visas.cases.queries import list_of, visas_page
from portal.visas.cases.services import Step, advance, forget_lists, freeze, note_list, sync_cases
from portal.visas.errors import (
    CaseNotReady,
    CaseWithoutValidity,
    DayAhead,
    ListWithGaps,
    NobodyToList,
)
from portal.visas.models import ChecklistItem, ItemState
from portal.visas.services import accept, refresh_checklist, submit_document
from portal.visas.terms import Supplier
from tests.factories import NOON, details, make_account, make_booking, make_port, make_season
from tests.files import uploads

pytestmark = pytest.mark.usefixtures("rules", "store")
TODAY = date(2024, 2, 15)
MEMBER = {"birth_place": "Astrakhan"}


@pytest.fixture
def season():
    return make_season()


def booked(season, cabin: int = 0, *people, **given) -> Booking:
    """Confirmed, its checklist and cases written."""
    booking = make_booking(season, cabin=cabin, passengers=people or (details(**MEMBER | given),))
    confirm(booking)
    return synced(booking)


def confirm(booking: Booking) -> None:
    start_transfer(booking_id=booking.id, now=NOON)
    receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=NOON)


def synced(booking: Booking) -> Booking:
    refresh_checklist(booking_id=booking.id, now=NOON)
    sync_cases(booking_id=booking.id, now=NOON)
    return booking


def hand_in(booking: Booking, *but: str) -> None:
    """Everything that guests hand in is accepted, but these documents and visas."""
    reviewer = make_account(Role.REVIEWER)
    for item in db.session.scalars(
        select(ChecklistItem)
        .join(Passenger)
        .where(Passenger.booking_id == booking.id, ChecklistItem.supplier == Supplier.GUEST)
        .order_by(ChecklistItem.id)
    ).all():
        if item.document not in but and not item.document.startswith("visa"):
            submission = submit_document(item_id=item.id, content=uploads.jpeg((60, 80)), now=NOON)
            accept(submission_id=submission.id, reviewer=reviewer, now=NOON)
    sync_cases(booking_id=booking.id, now=NOON)


def case_of(booking: Booking, country: str = "TM") -> VisaCase:
    return db.session.scalars(
        select(VisaCase).join(Passenger).where(Passenger.booking_id == booking.id, VisaCase.country == country)
    ).one()


def step(case: VisaCase, to: CaseState, **given) -> VisaCase:
    return advance(case_id=case.id, step=Step(**{"to": to, "on": TODAY} | given), now=NOON)


def approved(case: VisaCase, **given) -> VisaCase:
    validity = {"number": "LOI-77", "valid_from": TODAY, "valid_to": TODAY + timedelta(90)}
    return step(case, CaseState.APPROVED, **validity | given)


def filed_case(season) -> VisaCase:
    booking = booked(season)
    hand_in(booking)
    return step(case_of(booking), CaseState.FILED, fee=Money(55_00, "USD"))


def operator():
    return make_account(Role.OPERATOR)


def test_who_needs_a_visa_has_a_case_and_a_second_time_nothing_changes(season):
    russian = booked(season)
    turkmen = booked(season, 1, details(citizenship="TM", **MEMBER))

    synced(russian)

    assert case_of(russian).state is CaseState.COLLECTING
    assert {case.country for case in db.session.scalars(select(VisaCase))} == {"TM", "RU"}
    assert case_of(turkmen, "RU").citizenship == "TM"


def test_a_case_is_ready_with_its_last_paper_and_not_without(season):
    booking = booked(season)
    hand_in(booking, "photo_tm_visa")
    before = case_of(booking).state

    hand_in_rest = db.session.scalars(
        select(ChecklistItem).where(ChecklistItem.document == "photo_tm_visa")
    ).one()
    submission = submit_document(item_id=hand_in_rest.id, content=uploads.jpeg(), now=NOON)
    accept(submission_id=submission.id, reviewer=make_account(Role.REVIEWER), now=NOON)
    sync_cases(booking_id=booking.id, now=NOON)

    assert (before, case_of(booking).state) == (CaseState.COLLECTING, CaseState.READY)


def test_filed_it_has_its_fee_and_a_day_on_which_an_answer_is_expected(season):
    case = filed_case(season)

    assert (case.state, case.filed_on, case.fee) == (CaseState.FILED, TODAY, Money(55_00, "USD"))
    assert case.expected_on is not None
    assert case.expected_on > TODAY + timedelta(20)


def test_with_the_approval_what_we_get_ourselves_is_there(season):
    case = approved(filed_case(season))

    letter = db.session.scalars(select(ChecklistItem).where(ChecklistItem.document == "loi")).one()
    assert (case.state, letter.state) == (CaseState.APPROVED, ItemState.ACCEPTED)


@pytest.mark.parametrize(
    ("to", "given", "refusal"),
    [
        (CaseState.APPROVED, {}, CaseWithoutValidity),
        (CaseState.REFUSED, {"on": TODAY + timedelta(1)}, DayAhead),
        (CaseState.FILED, {}, CaseNotReady),
        (CaseState.READY, {}, CaseNotReady),
    ],
)
def test_what_does_not_follow_is_refused(season, to, given, refusal):
    case = filed_case(season)

    with pytest.raises(refusal):
        step(case, to, **given)
    db.session.expire_all()
    assert case.state is CaseState.FILED


def test_a_refusal_is_told_with_the_choices_of_the_conditions(season, browser):
    case = filed_case(season)
    step(case, CaseState.REFUSED)
    booking = case.passenger.booking
    booking.customer_id = make_account().id
    db.session.commit()
    browser.sign_in(booking.customer)

    page = browser.open(f"/en/bookings/{booking.reference}/papers")
    [link] = [link for link in page.links if "reason=visa_refused" in link]
    form = browser.open(link)

    assert "A visa was refused" in page.words
    assert form.find("input", type="radio", value="visa_refused", checked="")
    agreed = cancel_preview(booking.id, NOON).today.returned
    cancel(booking_id=booking.id, agreed=agreed, reason=CancelReason.VISA_REFUSED, now=NOON)
    sync_cases(booking_id=booking.id, now=NOON)


def test_a_case_that_is_not_needed_any_more_is_withdrawn_unless_it_is_filed(season):
    waiting, filed = booked(season), filed_case_of(season, 1)
    for booking in (waiting, filed):
        cancel(booking_id=booking.id, agreed=cancel_preview(booking.id, NOON).today.returned, now=NOON)

        sync_cases(booking_id=booking.id, now=NOON)

    assert case_of(waiting).state is CaseState.WITHDRAWN
    assert case_of(filed).state is CaseState.FILED


def filed_case_of(season, cabin: int) -> Booking:
    booking = booked(season, cabin)
    hand_in(booking)
    step(case_of(booking), CaseState.FILED)
    return booking


# Lists


def frozen(season) -> list[VisaList]:
    return freeze(sailing_id=season.sailing.id, kind=ListKind.INVITATION_TM, by=operator(), now=NOON)


def test_only_those_whose_papers_are_accepted_stand_on_the_invitation_list(season):
    ready = booked(season)
    booked(season, 1)
    with pytest.raises(NobodyToList):
        frozen(season)
    hand_in(ready)

    [issued] = frozen(season)

    assert issued.members == [ready.passengers[0].reference]
    assert (issued.number, issued.version, frozen(season)) == (1, 1, [])


def test_a_list_with_gaps_is_not_frozen(season):
    booking = booked(season, birth_place=None)
    hand_in(booking)

    with pytest.raises(ListWithGaps):
        frozen(season)


def test_issued_anew_it_says_what_is_new_gone_and_changed(season):
    first, second = booked(season), booked(season, 1, details(surname="PETROVA", **MEMBER))
    hand_in(first)
    [before] = frozen(season)
    hand_in(second)
    first.passengers[0].birth_place = "Volgograd"
    db.session.commit()

    [after] = frozen(season)

    [view] = [kind for kind in page_of(season).kinds if kind.kind is ListKind.INVITATION_TM]
    [listed] = view.lists
    assert (before.ended_at, after.version) == (NOON, 2)
    assert listed.standing is not None
    since = listed.standing.since
    assert since is not None
    assert (since.new, since.gone) == (("PETROVA ANNA",), ())
    assert since.changed == (("IVANOVA ANNA", ("birth_place",)),)
    assert not listed.differs


def page_of(season):
    return visas_page(season.sailing.code, country=None, state=None)


def test_what_was_frozen_and_altered_is_noticed(season):
    booking = booked(season)
    hand_in(booking)
    [issued] = frozen(season)

    assert page_of(season).kinds[0].lists[0].standing.genuine
    issued.rows = issued.rows.replace("IVANOVA", "IVANOVO")
    db.session.commit()

    assert not page_of(season).kinds[0].lists[0].standing.genuine


def test_sent_the_cases_on_it_are_filed_and_changes_become_requests(season):
    booking = booked(season)
    hand_in(booking)
    [issued] = frozen(season)

    note_list(list_id=issued.id, to=ListState.SENT, by=operator(), now=NOON)

    assert case_of(booking).state is CaseState.FILED
    assert db.session.scalars(select(FiledList)).one().kind == "invitation_tm"
    with pytest.raises(CaseNotReady):
        note_list(list_id=issued.id, to=ListState.SENT, by=operator(), now=NOON)


def test_the_pack_has_both_scripts_and_a_sheet_of_photos(season, browser):
    booking = booked(season)
    hand_in(booking)
    [issued] = frozen(season)
    browser.sign_in(make_account(Role.LEAD))

    book = browser.open(f"/ru/staff/visa-lists/{issued.reference}.xlsx")
    paper = browser.open(f"/tk/staff/visa-lists/{issued.reference}.pdf")

    sheet = load_workbook(BytesIO(book.content)).active
    words = {str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value}
    assert {"IVANOVA", "Иванова Анна", booking.passengers[0].document_number} <= words
    with Pdf.open(BytesIO(paper.content)) as pdf:
        assert len(pdf.pages) == 2
    actions = list(db.session.scalars(select(AuditEntry.action)))
    assert actions.count("visa_list.taken") == 2
    assert "file.viewed" in actions


def test_after_the_cruise_what_lists_said_is_forgotten(season):
    booking = booked(season)
    hand_in(booking)
    [issued] = frozen(season)
    reference = issued.reference

    forgotten = forget_lists(season.sailing.ends_at + timedelta(1), NOON)

    assert (forgotten, issued.rows) == (1, None)
    assert page_of(season).kinds[0].lists[0].earlier[0].genuine
    with pytest.raises(NotFound):
        list_of(reference)


@pytest.fixture
def persian(season):
    """The ship calls at Anzali instead of Turkmenbashi."""
    anzali = make_port("IRBAZ", "IR", "Asia/Tehran", latitude=37.4769, longitude=49.4625)
    season.sailing.calls[1].port_id = anzali.id
    db.session.commit()
    return season


def party(season, cabin: int, size: int) -> Booking:
    booking = booked(season, cabin, *(details(**MEMBER) for _ in range(size)))
    hand_in(booking, "insurance")
    return booking


def test_a_group_of_five_is_frozen_and_taken_and_one_of_four_is_told(persian):
    party(persian, 0, 2)
    party(persian, 1, 2)
    [kind] = page_of(persian).kinds
    assert (kind.verified, len(kind.alone), kind.lists) == (4, 4, ())
    third = party(persian, 2, 2)

    [issued] = freeze(sailing_id=persian.sailing.id, kind=ListKind.GROUP_IR, by=operator(), now=NOON)
    for to in (ListState.SENT, ListState.ACCEPTED):
        note_list(list_id=issued.id, to=to, by=operator(), now=NOON)

    assert len(issued.members) == 6
    places = db.session.scalars(select(ChecklistItem).where(ChecklistItem.document == "group_list_ir")).all()
    assert {place.state for place in places} == {ItemState.ACCEPTED}
    cancel(booking_id=third.id, agreed=cancel_preview(third.id, NOON).today.returned, now=NOON)
    [kind] = page_of(persian).kinds
    assert len(kind.lists[0].differs.gone) == 6
    assert len(kind.alone) == 4


@pytest.mark.parametrize("language", ["en", "ru", "tk"])
def test_the_pages_are_for_the_operator_and_leads(season, browser, language):
    booking = booked(season)
    hand_in(booking)
    [issued] = frozen(season)
    case = case_of(booking)
    pages = [
        f"/{language}/staff/sailings/{season.sailing.code}/visas?country=TM",
        f"/{language}/staff/visa-cases/{case.reference}",
    ]

    browser.sign_in(make_account(Role.OPERATOR))
    assert [browser.open(page).status for page in pages] == [200, 200]
    refused = browser.open(pages[1]).submit(to="filed", fee="fifty")
    noted = browser.open(pages[1]).submit(to="filed", fee="55,50", currency="USD")
    sent = browser.open(pages[0]).submit(f"{issued.reference}/sent")
    again = browser.open(pages[0])
    browser.sign_in(make_account(Role.REVIEWER))
    assert [browser.open(page).status for page in pages] == [403, 403]

    assert (refused.status, noted.status, sent.status, again.status) == (422, 302, 302, 200)
    assert db.session.get_one(VisaCase, case.id).fee == Money(55_50, "USD")
