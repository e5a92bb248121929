"""Which of its scopes a key could do without, and how it gives them up, and takes them back for a while."""
