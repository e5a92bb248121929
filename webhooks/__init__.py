"""Webhooks: events of the audit log, sent by HTTPS to those who may read them."""
