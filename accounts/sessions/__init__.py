"""Logging in and out, over HTTP and in browsers."""
