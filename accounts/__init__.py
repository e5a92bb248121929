"""People: users, roles, organizations, sessions. Who somebody is, and what that allows."""
