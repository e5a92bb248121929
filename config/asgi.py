"""The ASGI application: the edge in front of the WSGI application."""

from config.wsgi import application as wsgi_application

# isort: split
from config import profiles
from config.server.edge import Checks, Edge
from config.server.pools import Paths
from config.wire.problems import MAILED_LINKS
from gateway.check import PATH
from gateway.edge import check_from_memory, check_in_thread, check_together
from gateway.repeated import answer_again

# Endpoints that check or set a password, below the profile's base path.
PASSWORD_ENDPOINTS = (
    *("login", "oauth2/login", "change-password", "change-email", "reset-password", "register"),
    *("confirm-email", "accept-invitation", "totp"),
)
API = f"{profiles.active().base_path}/"
PATHS = Paths(
    probes=("/health", "/ready"),
    checks=(PATH,),
    passwords=(
        *(f"{API}auth/{endpoint}" for endpoint in PASSWORD_ENDPOINTS),
        *("/admin/login", "/change-password", *MAILED_LINKS),
    ),
    changes=(API,),
    queries=(f"{API}auth/oauth2/introspect",),
)

CHECKS = Checks(check_from_memory, answer_again, check_together, check_in_thread)

application = Edge(wsgi_application, CHECKS, PATHS)
