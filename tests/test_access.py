"""Every route says who may open it, and means it."""

import pytest

from portal.accounts.access import Permission


@pytest.fixture
def routes(app):
    """Address and view of each route but the built files."""
    return [(rule, app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def test_every_route_says_who_may_open_it(routes):
    undeclared = [str(rule) for rule, view in routes if not hasattr(view, "access")]

    assert routes
    assert undeclared == []


def test_no_route_of_the_staff_is_open_to_strangers(routes):
    declared = {str(rule): getattr(view, "access", None) for rule, view in routes if "/staff" in str(rule)}

    assert declared
    assert {address: access for address, access in declared.items() if not isinstance(access, Permission)} == {}


def test_strangers_are_sent_to_sign_in_by_every_guarded_page(routes, browser):
    guarded = [rule for rule, view in routes if isinstance(view.access, Permission) and "GET" in rule.methods]
    answers = {}
    for rule in guarded:
        values = {name: "ru" if name == "language" else 1 for name in rule.arguments}
        _, address = rule.build(values, append_unknown=False) or (None, None)
        if address is not None:  # converters that take no number have a plain text instead
            answers[address] = browser.open(address)

    assert answers
    assert {url: page.status for url, page in answers.items() if page.status not in (302, 303, 401)} == {}
    assert [url for url, page in answers.items() if page.location and "sign-in" not in page.location] == []


def test_only_questions_that_change_nothing_are_taken_without_our_token(app, routes):
    csrf = app.extensions["csrf"]
    exempt = {
        str(rule)
        for rule, view in routes
        if f"{view.__module__}.{view.__name__}" in csrf._exempt_views
        or app.blueprints.get(rule.endpoint.rpartition(".")[0]) in csrf._exempt_blueprints
    }

    assert exempt == {"/<any(ru,tk,en):language>/passports/answers"}
