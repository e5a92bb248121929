"""Plan and apply: what should be there is described in a file, compared with what is there, and made so."""
