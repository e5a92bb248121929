"""The ASGI application: the edge before the WSGI application, and what it answers from memory."""

from config.wsgi import application as wsgi_application

# isort: split
from config import profiles
from config.server.edge import Edge
from config.wire.problems import MAILED_LINKS
from gateway.check import PATH, check_from_memory

# Where a password is checked or set, under the profile's base path.
PASSWORD_ENDPOINTS = (
    *("login", "oauth2/login", "change-password", "change-email", "reset-password", "register"),
    *("confirm-email", "accept-invitation", "totp"),
)
FIRST = (PATH, "/health", "/ready")
PASSWORDS = (
    *(f"{profiles.active().base_path}/auth/{endpoint}" for endpoint in PASSWORD_ENDPOINTS),
    *("/admin/login", "/change-password", *MAILED_LINKS),
)

application = Edge(wsgi_application, early=check_from_memory, first=FIRST, passwords=PASSWORDS)
