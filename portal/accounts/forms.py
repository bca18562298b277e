"""The shape of what is typed about accounts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import Email, EqualTo, InputRequired, Length

from portal.accounts.labels import ROLE_NAMES
from portal.accounts.models import Role
from portal.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from portal.kernel.forms import FlaskForm, trimmed
from portal.kernel.text import LANGUAGE_NAMES

_EMAIL = Email(_l("This is not an e-mail address we can write to. It should look like anna@example.org."))
_LANGUAGES = [SelectChoice(code, name, {"lang": code}) for code, name in LANGUAGE_NAMES.items()]
_STRONG = Length(
    MIN_LENGTH, MAX_LENGTH, _l("A password has at least %(least)s characters.", least=MIN_LENGTH)
)


class SignInForm(FlaskForm):
    email = EmailField(_l("E-mail"), [InputRequired(), Length(max=254)], filters=[trimmed])
    password = PasswordField(_l("Password"), [InputRequired(), Length(max=MAX_LENGTH)])


class SignUpForm(FlaskForm):
    name = StringField(_l("Your name"), [InputRequired(), Length(max=120)], filters=[trimmed])
    email = EmailField(_l("E-mail"), [InputRequired(), Length(max=254), _EMAIL], filters=[trimmed])
    password = PasswordField(_l("Password"), [InputRequired(), _STRONG])


class ProfileForm(FlaskForm):
    name = StringField(_l("Your name"), [InputRequired(), Length(max=120)], filters=[trimmed])
    language = SelectField(_l("Language of our letters"), [InputRequired()], choices=_LANGUAGES)


class ChangePasswordForm(FlaskForm):
    present = PasswordField(_l("Present password"), [InputRequired(), Length(max=MAX_LENGTH)])
    password = PasswordField(_l("New password"), [InputRequired(), _STRONG])
    again = PasswordField(
        _l("New password once more"), [InputRequired(), EqualTo("password", _l("The two new passwords differ."))]
    )


class ForgottenPasswordForm(FlaskForm):
    email = EmailField(_l("E-mail"), [InputRequired(), Length(max=254), _EMAIL], filters=[trimmed])


class ChoosePasswordForm(FlaskForm):
    password = PasswordField(_l("New password"), [InputRequired(), _STRONG])


class StaffAccountForm(FlaskForm):
    name = StringField(_l("Name"), [InputRequired(), Length(max=120)], filters=[trimmed])
    email = EmailField(_l("E-mail"), [InputRequired(), Length(max=254), _EMAIL], filters=[trimmed])
    role = SelectField(
        _l("Role"),
        [InputRequired()],
        choices=[SelectChoice(role.value, ROLE_NAMES[role]) for role in Role if role is not Role.CUSTOMER],
    )
    language = SelectField(_l("Language of letters"), [InputRequired()], choices=_LANGUAGES)
