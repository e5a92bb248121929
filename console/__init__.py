"""The console at /account/: pages where people manage their keys, logins, organizations and themselves."""
