"""Logins of people for whom their organization's OpenID Connect provider vouches."""
