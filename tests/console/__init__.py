"""The console: pages for people at /account/."""
