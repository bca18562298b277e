"""The shape of what is asked before all data are given out or forgotten."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField
from wtforms.validators import InputRequired

from portal.kernel.forms import FlaskForm


class PasswordForm(FlaskForm):
    password = PasswordField(_l("Your password"), [InputRequired(_l("Please type your password."))])


class EraseForm(FlaskForm):
    sure = BooleanField(_l("I understand that this cannot be undone"), [InputRequired(_l("Please tick this box."))])


class EraseAccountForm(PasswordForm, EraseForm):
    pass
