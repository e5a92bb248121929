"""The database: its settings, and what all tables have in common."""
