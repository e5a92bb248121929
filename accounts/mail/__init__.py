"""Mails, and the use cases behind the links in them."""
