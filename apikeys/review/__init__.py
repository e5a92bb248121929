"""After a reset by mail, the owner reviews API keys."""
