"""How much one process does at a time, and the database connections that this takes.

Any work that may use the database has one of these threads, and a thread has one connection at most. So the pool,
which has as many, makes no thread wait: waiting for a connection ended in an error after ten seconds.
"""

#: Threads of sockets and rooms that read.
READERS = 4
#: Threads of sockets that carry out changes, which may wait for locks.
WRITERS = 10
#: Threads for background work: trimming.
CARETAKERS = 1
#: HTTP requests that read and are worked on at a time, each in a thread of its own.
HTTP_READERS = 8
#: HTTP requests that change something, likewise.
HTTP_WRITERS = 4
#: HTTP requests that hash a password at a time: each keeps a core busy.
HASHERS = 2
#: Threads that `/readyz` probes the database and Redis with.
PROBES = 4
#: The main thread, which looks whether the migrations are applied when the process starts.
STARTING = 1

#: Database connections of one process, at most. N processes need N times as many, and as many more as
#: `manage.py` commands run beside them; README.md says what PostgreSQL's `max_connections` must be.
DATABASE_CONNECTIONS = READERS + WRITERS + CARETAKERS + HTTP_READERS + HTTP_WRITERS + HASHERS + PROBES + STARTING
