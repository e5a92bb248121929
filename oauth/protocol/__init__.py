"""What the RFCs say, with oauthlib: parameters, scopes, claims, redirects, tokens."""
