"""Who may manage whose keys: (caller, owner, status of the refusal, or 0 if the caller may)."""

WHO_MANAGES_WHOSE = (
    ("alice", "alice", 0),
    ("alice", "acme", 0),
    ("ada", "bob", 0),
    ("bob", "acme", 403),
    ("audrey", "acme", 403),
    ("alice", "bob", 404),
    ("mallory", "alice", 404),
    ("charlie", "acme", 404),
)
