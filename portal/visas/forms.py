"""The shape of what is handed in."""

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from portal.kernel.forms import FlaskForm


class PaperForm(FlaskForm):
    """One file; what is in it is judged by portal.files."""

    document = FileField(_l("File"), [FileRequired(_l("Please choose a file."))])
