"""HTTP requests to addresses that others choose, which must not lead into networks around Keyhouse."""
