"""A Django project as `startproject` makes it, with the peers and the limits that nobody can beat."""
