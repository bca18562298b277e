"""What forms refuse by themselves is said in the reader's language."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
from flask_babel import force_locale
from werkzeug.datastructures import MultiDict
from wtforms import DateField, IntegerField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from portal.kernel.forms import WORDS, FlaskForm, Form

WTFORMS = Path(find_spec("wtforms").origin).parent
# Of fields and validators that no form here has.
NOT_USED = {
    "'%(value)s' are not valid choices for this field.",
    "Choices cannot be None.",
    "Field must be at least %(min)d characters long.",
    "Field must be between %(min)d and %(max)d characters long.",
    "Field must be exactly %(max)d characters long.",
    "Invalid choice(s): one or more data inputs could not be coerced.",
    "Invalid IP address.",
    "Invalid Mac address.",
    "Invalid URL.",
    "Invalid UUID.",
    "Invalid field name '%s'.",
    "Invalid value, can't be any of: %(values)s.",
    "Invalid value, must be one of: %(values)s.",
    "Not a valid float value.",
    "Not a valid week value.",
    "This field cannot be edited.",
    "This field is disabled and cannot have a value.",
}


class Odd(FlaskForm):
    citizenship = SelectField(choices=[SelectChoice("TM", "Turkmenistan")])
    share = IntegerField(validators=[NumberRange(1, 100)])
    berths = IntegerField()
    born = DateField()
    note = StringField(validators=[Length(max=3)])
    name = IntegerField(validators=[InputRequired()])


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Please choose one of the list."),
        ("ru", "Выберите вариант из списка."),
        ("tk", "Sanawdan saýlaň."),
    ],
)
def test_each_field_refuses_in_our_words(app, language, said):
    typed = {"citizenship": "XX", "share": "200", "berths": "two", "born": "31.02.1990", "note": "long"}

    with app.test_request_context("/", method="POST", data=typed), force_locale(language):
        form = Odd(meta={"csrf": False})
        form.validate()
        errors = {name: words[0] for name, words in form.errors.items()}

    assert errors["citizenship"] == said
    assert errors.keys() == {"citizenship", "share", "berths", "born", "note", "name"}
    assert "100" in errors["share"]
    assert "3" in errors["note"]
    if language != "en":
        assert not any(word in " ".join(errors.values()) for word in ("valid", "Please", "must"))


def test_a_part_of_a_form_speaks_the_same(app):
    class Part(Form):
        berths = IntegerField()

    with app.test_request_context("/"), force_locale("ru"):
        part = Part(MultiDict({"berths": "two"}))
        part.validate()

        assert part.errors == {"berths": ["Укажите целое число цифрами."]}


def test_no_sentence_of_the_library_is_forgotten():
    said = set()
    for path in (WTFORMS / "validators.py", *(WTFORMS / "fields").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                texts = [one.value for one in call.args if isinstance(one, ast.Constant)]
                if call.func.attr in ("gettext", "ngettext"):
                    said.update(texts[-1:])  # of one and many, the latter

    assert said - WORDS.keys() == NOT_USED
