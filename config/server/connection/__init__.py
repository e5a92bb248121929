"""One connection: gunicorn's HTTP protocol with deadlines, limits, and refusals as problem documents.

Each class overrides one part of gunicorn's protocol and inherits from the one below it: `closing.py`,
`answer.py`, `body.py`, `head.py`, `plain.py`, `connection.py`. They use private parts of gunicorn;
tests/config/server/test_gunicorn.py fails when one of these changes.
"""
