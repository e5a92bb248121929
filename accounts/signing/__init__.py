"""The keys that tokens are signed with, where others verify them."""
