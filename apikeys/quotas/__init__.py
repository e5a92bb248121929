"""Quotas: what keys may use in a day, a month and in all, and what they have used."""
