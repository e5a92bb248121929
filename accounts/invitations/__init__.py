"""Invitations to an organization or to an account."""
