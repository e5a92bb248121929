"""Which mails about API keys a person gets."""
