"""OAuth2 and OpenID Connect: clients act for people who consent, and machines for their owner (RFC 6749)."""
