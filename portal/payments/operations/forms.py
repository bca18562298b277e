"""The shape of a guest's choice."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField
from wtforms.validators import InputRequired

from portal.kernel.forms import FlaskForm


class ChoiceForm(FlaskForm):
    """`choice`: "accept", "refund", or "move:" and the code of a sailing. `returned`: the sum that was shown."""

    choice = RadioField(_l("What would you like?"), [InputRequired(_l("Please choose."))])
    returned = HiddenField()
