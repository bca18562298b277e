"""Names of roles, for people."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from portal.accounts.models import Role

ROLE_NAMES: dict[Role, LazyString] = {
    Role.CUSTOMER: _l("Customer"),
    Role.OPERATOR: _l("Operator"),
    Role.REVIEWER: _l("Reviewer"),
    Role.LEAD: _l("Lead reviewer"),
    Role.FINANCE: _l("Finance"),
    Role.ADMINISTRATOR: _l("Administrator"),
}
