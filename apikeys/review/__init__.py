"""After a password reset by mail, the owner reviews their API keys."""
