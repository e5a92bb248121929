"""/account/security: the password, the authenticator app and the recovery codes of a person."""
