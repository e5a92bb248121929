"""Receivers to which servers send the audit log as it grows: a syslog server, a file."""
