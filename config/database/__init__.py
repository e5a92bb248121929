"""Where the data lies, and what all tables have in common."""
