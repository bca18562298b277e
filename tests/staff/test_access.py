"""Who gets in where: each route of the staff's side by each role, read from the application itself."""

import pytest
from werkzeug.routing.converters import NumberConverter

from portal.accounts.access import GRANTED, Permission
from portal.accounts.models import Role
from tests.factories import make_account, make_season


@pytest.fixture
def routes(app):
    """Address, method and permission of each route of the staff, with references that exist where that is easy."""
    season = make_season()
    values = {"language": "en", "code": season.sailing.code, "account_id": 1}
    found = []
    for rule in app.url_map.iter_rules():
        if "/staff/" not in f"{rule}/":
            continue
        given = {
            name: values.get(name, 1 if isinstance(rule._converters[name], NumberConverter) else "NONE2345")
            for name in rule.arguments
        }
        _, address = rule.build(given, append_unknown=False)
        permission = app.view_functions[rule.endpoint].access
        found += [(method, address, permission) for method in rule.methods - {"HEAD", "OPTIONS"}]
    return found


@pytest.mark.parametrize("role", list(Role))
def test_a_role_enters_what_it_is_granted_and_nothing_else(routes, browser, role):
    browser.sign_in(make_account(role))
    token = browser.open("/en/account/profile").forms[-1].values["csrf_token"][0]

    answers = {
        (method, address): browser.status(
            address, method=method, data={"csrf_token": token} if method == "POST" else None
        )
        for method, address, _ in routes
    }

    assert len(routes) > 15
    wrong = {
        (method, address): answers[method, address]
        for method, address, permission in routes
        if (answers[method, address] == 403) is (permission in GRANTED[role])
    }
    assert wrong == {}
    assert {key: status for key, status in answers.items() if status >= 500} == {}


def test_strangers_come_to_the_sign_in_page_and_back(browser):
    season = make_season()

    answer = browser.open(f"/tk/staff/sailings/{season.sailing.code}?page=2")

    assert answer.location == f"/tk/sign-in?next=/tk/staff/sailings/{season.sailing.code}?page%3D2"


def test_customers_may_only_keep_their_own_account():
    assert GRANTED[Role.CUSTOMER] == {Permission.ACCOUNT}
