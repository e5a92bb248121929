"""People: who they are, and who may change whom."""
