"""Flask extensions, created once and bound in create_app."""

from pathlib import Path

from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

MIGRATIONS = Path(__file__).parent.parent / "migrations"

babel = Babel()
compress = Compress()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address)
login_manager = LoginManager()
migrate = Migrate(directory=str(MIGRATIONS), compare_type=True, render_as_batch=True)
