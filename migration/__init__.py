"""Moving in: imports the API keys of other systems, so that no client has to be told a new one."""
