"""Flask extensions, created once and bound in create_app."""

from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path

from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def visitor_network() -> str:
    """Whom rate limits count as one: an IPv4 address, or the IPv6 network of 2^64 addresses that one customer gets."""
    asking = get_remote_address()
    try:
        address = ip_address(asking)
    except ValueError:  # whatever a proxy calls those whom it does not name
        return asking
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return asking


babel = Babel()
compress = Compress()
csrf = CSRFProtect()
limiter = Limiter(visitor_network)
login_manager = LoginManager()
migrate = Migrate(directory=str(MIGRATIONS), compare_type=True, render_as_batch=True)
