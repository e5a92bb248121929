"""Passkeys (WebAuthn): as a second factor, and to log in without a password."""
