"""The application object, for gunicorn and the flask command."""

import sys

from portal import create_app
from portal.config import ConfigurationError

try:
    app = create_app()
except ConfigurationError as missing:
    sys.exit(str(missing))
