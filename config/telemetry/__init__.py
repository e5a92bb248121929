"""What operators see of a running server beside its metrics: the access log, Sentry and OpenTelemetry."""
