"""The production server: gunicorn's processes and parser, our event loop and threads in front of Django."""
