"""People, organizations, roles and sessions: who a caller is, and what that allows."""
