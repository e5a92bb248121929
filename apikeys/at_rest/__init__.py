"""What is kept of a key: its text is made and recognized here, and its digests are taken."""
