"""OAuth2 and OpenID Connect: programs that act for people who allow it (RFC 6749, RFC 9700)."""
