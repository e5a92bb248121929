"""Logins of browsers: the cookie and its row, the login page, and who is logged in to a page."""
