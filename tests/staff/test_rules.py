"""The pages of entry rules: looked at, changed by two persons, taken out and handed in as a file."""

from datetime import date
from io import BytesIO

import pytest
from sqlalchemy import func, select

from portal.accounts.models import Role
from portal.database import db
from portal.kernel.clock import now
from portal.visas.models import EntryRule, ProposedRule, RuleProposal
from portal.visas.proposals.queries import live
from portal.visas.services import load_rules
from tests.factories import details, make_account, make_booking, make_season

RULES = "/en/staff/rules"


@pytest.fixture(autouse=True)
def loaded(database):
    load_rules(now=now())


@pytest.fixture
def ayna(browser):
    account = make_account(Role.REVIEWER, name="Ayna Author")
    browser.sign_in(account)
    return account


def rule_id(destination: str = "TM", nationality: str = "RU") -> int:
    found = db.session.scalars(
        select(EntryRule.id).where(
            EntryRule.destination == destination,
            EntryRule.nationality == nationality,
            EntryRule.withdrawn_at.is_(None),
        )
    ).first()
    assert found is not None
    return found


def latest() -> str:
    return db.session.scalars(select(RuleProposal.reference).order_by(RuleProposal.id.desc())).first() or ""


def drafted(browser, **typed) -> str:
    typed = {"why": "A new agreement", "max_stay_days": "20"} | typed
    page = browser.open(f"{RULES}/{rule_id()}").submit("rule-form", **typed)
    assert page.status == 303
    return f"{RULES}/proposals/{latest()}"


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_every_page_opens_in_every_language(browser, ayna, language):
    here = f"/{language}/staff/rules"
    make_booking(make_season(), passengers=(details(),), customer=make_account(), now=now())
    proposal = drafted(browser, regime="visa_free").removeprefix("/en")

    for path in ("", "?country=AZ&check=1", "?country=DE", "/new", f"/{rule_id()}", "/file", "/history/TM/RU"):
        assert browser.open(here + path).status == 200
    assert browser.open(f"/{language}{proposal}").status == 200


def test_one_proposes_and_another_lets_it_in_force(browser, ayna):
    booking = make_booking(make_season(), passengers=(details(),), customer=make_account(), now=now())
    address = drafted(browser, regime="visa_free", usable_by_sea="yes")
    page = browser.open(address)
    assert "1 passenger" in page.words
    assert booking.reference in page.words
    assert "Visa with letter of invitation → No visa" in page.words
    browser.open(address).submit("propose")
    assert "somebody else must decide" in browser.open(address).words

    browser.sign_in(make_account(Role.REVIEWER, name="Oraz Other"))
    browser.open(address).submit("approve")

    [rule] = [one for one in live() if (one.destination, one.nationality) == ("TM", "RU")]
    assert (rule.regime, rule.max_stay_days) == ("visa_free", 20)
    told = browser.open(f"{RULES}/history/TM/RU").words
    assert "Ayna Author, approved by Oraz Other" in told
    assert "2 versions" in told


def test_the_author_cannot_approve_by_address(browser, ayna):
    address = drafted(browser)
    browser.open(address).submit("propose")

    token = browser.open(address).form("take-back").values["csrf_token"]
    page = browser.request(f"{address}/approve", method="POST", data={"csrf_token": token})

    assert page.status == 409
    assert "somebody else must decide" in page.words


def test_what_is_wrong_stands_beside_its_field(browser, ayna):
    page = browser.open(f"{RULES}/{rule_id()}").submit("rule-form", why="A try", fee="much", photo_mm="30 by 40")

    assert page.status == 422
    assert "photo_mm '30 by 40' is no size in millimetres" in page.words
    assert db.session.scalar(select(func.count()).select_from(RuleProposal)) == 0


def test_a_decline_needs_its_reason(browser, ayna):
    address = drafted(browser)
    browser.open(address).submit("propose")
    browser.sign_in(make_account(Role.REVIEWER))

    refused = browser.open(address).submit("decline", answer="")
    browser.open(address).submit("decline", answer="Not in force yet")

    assert refused.status == 422
    assert "Not in force yet" in browser.open(address).words


def test_the_file_taken_out_comes_in_again_without_a_difference(browser, ayna):
    file = browser.open(f"{RULES}/rules.csv")

    page = browser.open(f"{RULES}/file").submit(
        None, rules=(BytesIO(file.content), "rules.csv"), whole="y", why="The same"
    )

    assert page.status == 422
    assert "There is nothing to change" in page.words


def test_a_changed_file_is_a_draft_with_its_differences(browser, ayna):
    text = browser.open(f"{RULES}/rules.csv").content.decode("utf-8")
    changed = text.replace("TM,RU,,visa_loi,10,", "TM,RU,,visa_loi,15,")

    browser.open(f"{RULES}/file").submit(None, rules=(BytesIO(changed.encode()), "rules.csv"), why="Longer stays")
    page = browser.open(f"{RULES}/proposals/{latest()}")

    assert "1 rule changes" in page.words
    assert "Longest stay, days: 10 → 15" in page.words
    assert db.session.scalar(select(func.count()).select_from(ProposedRule)) == 1


def test_a_file_with_bad_rows_is_refused_whole_and_each_is_named(browser, ayna):
    lines = browser.open(f"{RULES}/rules.csv").content.decode("utf-8").strip().splitlines(keepends=True)
    row = next(number for number, line in enumerate(lines) if ",visa_free," in line)
    lines[row] = lines[row].replace("visa_free", "visafree")
    lines[-1] = lines[-1].replace("confirmed", "sure").replace("one_source", "sure").replace("inferred", "sure")

    page = browser.open(f"{RULES}/file").submit(
        None, rules=(BytesIO("".join(lines).encode()), "rules.csv"), why="Broken"
    )

    assert page.status == 422
    assert "2 rows to mend" in page.words
    assert "regime 'visafree' is none of" in page.words
    assert "confidence 'sure' is none of" in page.words
    assert db.session.scalar(select(func.count()).select_from(RuleProposal)) == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 a picture", b"dest,nationality\nTM,RU\n"])
def test_what_is_no_file_of_rules_is_refused(browser, ayna, content):
    page = browser.open(f"{RULES}/file").submit(None, rules=(BytesIO(content), "rules.csv"), why="A try")

    assert page.status == 422
    assert "the columns must be" in page.words


def test_old_evidence_is_marked_and_counted(browser, ayna):
    page = browser.open(f"{RULES}?check=1")

    assert "Needs re-check" in page.words
    assert date(2023, 7, 8) in {rule.as_of for rule in live()}


def test_a_rule_is_withdrawn_by_two_persons_as_well(browser, ayna):
    going = rule_id("KZ", "IN")
    browser.open(f"{RULES}/{going}").submit("withdraw", **{"withdraw-why": "Ended"})
    address = f"{RULES}/proposals/{latest()}"
    browser.open(address).submit("propose")
    browser.sign_in(make_account(Role.REVIEWER))

    browser.open(address).submit("approve")

    assert browser.open(f"{RULES}/{going}").status == 404


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.OPERATOR, Role.FINANCE])
def test_others_are_kept_out(browser, role):
    browser.sign_in(make_account(role))

    assert browser.open(RULES).status == 403
