"""OpenID Connect as its client: discovery, keys, requests and ID tokens. Knows no table."""
