"""The shape of what is typed about accounts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import Email, EqualTo, InputRequired, Length

from portal.accounts.labels import ROLE_NAMES
from portal.accounts.models import Role
from portal.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from portal.kernel.forms import FlaskForm
from portal.kernel.text import LANGUAGE_NAMES

_REQUIRED = InputRequired(_l("Please fill this in."))
_EMAIL = Email(_l("This is not an e-mail address we can write to. It should look like anna@example.org."))
_LANGUAGES = [SelectChoice(code, name, {"lang": code}) for code, name in LANGUAGE_NAMES.items()]
_STRONG = Length(
    MIN_LENGTH, MAX_LENGTH, _l("A password has at least %(least)s characters.", least=MIN_LENGTH)
)


def _trimmed(text: str | None) -> str | None:
    return text.strip() if text else text


class SignInForm(FlaskForm):
    email = EmailField(_l("E-mail"), [_REQUIRED, Length(max=254)], filters=[_trimmed])
    password = PasswordField(_l("Password"), [_REQUIRED, Length(max=MAX_LENGTH)])


class SignUpForm(FlaskForm):
    name = StringField(_l("Your name"), [_REQUIRED, Length(max=120)], filters=[_trimmed])
    email = EmailField(_l("E-mail"), [_REQUIRED, Length(max=254), _EMAIL], filters=[_trimmed])
    password = PasswordField(_l("Password"), [_REQUIRED, _STRONG])


class ProfileForm(FlaskForm):
    name = StringField(_l("Your name"), [_REQUIRED, Length(max=120)], filters=[_trimmed])
    language = SelectField(_l("Language of our letters"), [_REQUIRED], choices=_LANGUAGES)


class ChangePasswordForm(FlaskForm):
    present = PasswordField(_l("Present password"), [_REQUIRED, Length(max=MAX_LENGTH)])
    password = PasswordField(_l("New password"), [_REQUIRED, _STRONG])
    again = PasswordField(
        _l("New password once more"), [_REQUIRED, EqualTo("password", _l("The two new passwords differ."))]
    )


class ForgottenPasswordForm(FlaskForm):
    email = EmailField(_l("E-mail"), [_REQUIRED, Length(max=254), _EMAIL], filters=[_trimmed])


class ChoosePasswordForm(FlaskForm):
    password = PasswordField(_l("New password"), [_REQUIRED, _STRONG])


class StaffAccountForm(FlaskForm):
    name = StringField(_l("Name"), [_REQUIRED, Length(max=120)], filters=[_trimmed])
    email = EmailField(_l("E-mail"), [_REQUIRED, Length(max=254), _EMAIL], filters=[_trimmed])
    role = SelectField(
        _l("Role"),
        [_REQUIRED],
        choices=[SelectChoice(role.value, ROLE_NAMES[role]) for role in Role if role is not Role.CUSTOMER],
    )
    language = SelectField(_l("Language of letters"), [_REQUIRED], choices=_LANGUAGES)
