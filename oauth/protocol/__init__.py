"""The protocol of the RFCs, with oauthlib: parameters, scopes, claims, redirects and tokens."""
