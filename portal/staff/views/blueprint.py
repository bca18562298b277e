"""Where the screens of staff hang."""

from flask import Blueprint

from portal.web.locale import PREFIX

bp = Blueprint("staff", __name__, url_prefix=f"{PREFIX}/staff")
