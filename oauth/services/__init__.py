"""Use cases of clients and consents."""
