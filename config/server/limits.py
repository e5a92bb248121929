"""How much of a worker process clients can take, in seconds and bytes."""

# Connections
MAX_CONNECTIONS = 4096  # one more ends another that waits for its client
SPARE_FILES = 128  # open files that are not connections of clients
# Idle connections are kept longer than the proxies in docs/proxies keep theirs, so that no proxy sends a
# request on a connection that we have just closed. Caddy has the longest timeout: 120 s.
KEEP_ALIVE_SECONDS = 150
READ_SECONDS = 30.0  # in which a client has to take 64 KiB of its answer
LINGER_SECONDS = 2.0  # in which bytes that arrive after the last answer are read and dropped

# Requests
HEAD_SECONDS = 10.0  # from the connection, or from the first byte of a later request, to the end of the head
MAX_HEAD = 64 * 1024  # Envoy allows as much, nginx 32 KiB
MAX_PIPELINED = 64 * 1024  # of the next requests, before the current one has been answered
BODY_SECONDS = 30.0  # for the whole body
MAX_CHUNKS = 10_000  # chunks in one body: each costs the event loop a few microseconds
MAX_BODIES = 64 * 1024 * 1024  # of all request bodies that a worker holds
MAX_BODIES_OF_ONE_ADDRESS = 8 * 1024 * 1024

# Threads, and requests that wait for one
PROBE_THREADS = 2
CHECK_THREADS = 2
PASSWORD_THREADS = 2
CHANGE_THREADS = 4
# Changes take turns, because all wait for each other at the end of the audit chain: at once they would only
# compete for the interpreter with the event loop, and with the change that the others wait for. A change that
# takes longer waits for something else, such as a lock, and the next one begins.
TURN_SECONDS = 0.1
OTHER_THREADS = 4
MAX_QUEUED_PROBES = 256
MAX_QUEUED_CHECKS = 1024  # each takes less than a millisecond
MOST_TOGETHER = 64  # checks whose callers one query reads
MAX_QUEUED_PASSWORDS = 64  # each takes a third of a second
MAX_QUEUED_OTHERS = 256
SWITCH_SECONDS = (
    0.0005  # after which a thread that computes lets the event loop run; Python's default is 5 ms
)

# Requests in flight: they wait for a thread, are in one, or their answer is deferred
MAX_PROBES_OF_ONE_ADDRESS = 64
MAX_CHECKS_OF_ONE_ADDRESS = 128
MAX_OTHERS_OF_ONE_CLIENT = 128  # of one address, and of one Authorization
