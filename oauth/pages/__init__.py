"""The pages on which people log in, consent, see and withdraw their consents, and log out."""
