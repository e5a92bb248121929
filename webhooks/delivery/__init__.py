"""Sends events to webhooks, in the background."""
