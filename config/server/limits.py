"""What one client, or many, can take of a process that serves. Seconds and bytes."""

MOST_CONNECTIONS = 4096  # then the one that has waited longest for its request makes place for a new one
SPARE_FILES = 128  # open files that are no connections of clients
HEAD_SECONDS = 10.0  # from the connection, or the first byte of a later request, to the end of the head
MOST_HEAD = 64 * 1024  # as Envoy's; nginx takes 32 KiB
BODY_SECONDS = 30.0  # for all of a body
MOST_CHUNKS = 10_000  # in one body: each costs the loop a few µs
# Of a connection without a request: longer than the proxies of docs/proxies keep theirs, so that none meets
# one that we have just closed. Caddy keeps them for 120 s.
KEEP_SECONDS = 150
READ_SECONDS = 30.0  # for a client to take 64 KiB of its answer
LINGER_SECONDS = 2.0  # how long we read on, and throw away, what a client sends after its answer
SWITCH_SECONDS = 0.0005  # for which a thread that computes keeps the loop waiting; 5 ms by default
CHECK_THREADS = 2  # of checks and probes, which others wait for
PASSWORD_THREADS = 2  # of requests that wait for a hash
OTHER_THREADS = 4
MOST_CHECKS_QUEUED = 1024  # that wait for a thread, each for less than a millisecond of work
MOST_PASSWORDS_QUEUED = 64  # each for the third of a second that a hash takes
MOST_QUEUED = 256
MOST_OF_ONE = 128  # requests in work, or with a held answer, of one address, and of one credential
