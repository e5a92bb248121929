"""Mails, and what is behind the links in them."""
