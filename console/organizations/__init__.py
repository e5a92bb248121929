"""Organizations in the console: their members, invitations and settings."""
