"""The pages on which people log in, decide, look at what they have allowed, and log out."""
