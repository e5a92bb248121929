"""The ASGI application: the edge before the WSGI application, and what it answers from memory."""

from config.wsgi import application as wsgi_application

# isort: split
from config.server.edge import Edge
from gateway.check import PATH, check_from_memory

application = Edge(wsgi_application, early=check_from_memory, first=(PATH, "/health", "/ready"))
