#!/bin/sh
# Prepares .venv/ and does nothing where it is up to date.
#   setup.sh          what a server needs (requirements.txt)
#   setup.sh dev      what the tests need as well (requirements-dev.txt and the npm packages)
#   setup.sh python   prints the Python that would be used; installs nothing
#
# One at a time, under a lock. While it works, the lock's file says so: whatever it finds half made, it makes anew.
set -eu
cd "$(dirname "$0")/.."
lock=.setup.lock

fail() {
    echo "setup: $1" >&2
    exit 1
}

recent_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in "${PYTHON:-python3}" python3.11 python3.12 python3.13 python3.14; do
        if recent_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and none was found (set PYTHON=/path/to/python3 to name one)."
}

# The lock ends with this process and those that it started, however they end.
take_lock() {
    python=$(find_python)
    exec "$python" - "$lock" "$@" <<'EOF'
import fcntl, os, sys

lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
os.set_inheritable(lock, True)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Waiting for another setup of this checkout to end …", file=sys.stderr, flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)
os.environ["SETUP_HAS_LOCK"] = "1"
os.execvp("sh", ["sh", "scripts/setup.sh", *sys.argv[2:]])
EOF
}

begin() {
    echo unfinished >"$lock"
}

finish() {
    : >"$lock"
}

# install NAME FILE…: pip installs requirements-NAME's file once per content of the FILEs.
install() {
    stamp=.venv/.installed-$1
    log=.venv/setup.log
    wanted=$(cat requirements.txt requirements-oidc.txt "$2" 2>/dev/null | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    begin
    echo "Installing the Python packages of $2 into .venv/ …" >&2
    if ! .venv/bin/python -m pip install --retries 2 -r "$2" >"$log" 2>&1; then
        finish # pip has put back what it could not replace
        if grep -qE 'Max retries|NewConnectionError|NameResolution|Connection (refused|reset)|timed out|ProxyError' "$log"; then
            fail "pip could not reach a package registry: check the network, or PIP_INDEX_URL (details: $log)."
        fi
        tail -n 15 "$log" >&2
        fail "pip could not install $2 (details: $log)."
    fi
    echo "$wanted" >"$stamp"
}

if [ "${1:-}" = python ]; then
    find_python
    exit
fi

[ -n "${SETUP_HAS_LOCK:-}" ] || take_lock "$@"

if [ -s "$lock" ] || ! recent_enough .venv/bin/python; then
    begin
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python lacks the modules venv and ensurepip: on Debian or Ubuntu, 'apt-get install python3-venv'."
    "$python" -m venv --clear .venv || fail "$python could not make a virtual environment in .venv/."
fi

install runtime requirements.txt

if [ "${1:-}" = dev ]; then
    install dev requirements-dev.txt
    # Lets `.venv/bin/pytest` and other tools import the project from any folder.
    pwd >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/taskrealtime.pth"
    command -v npm >/dev/null || fail "Node.js 20 or newer, with npm, is needed for the JavaScript tests."
    wanted=$(cksum <package-lock.json)
    if [ "$(cat node_modules/.installed 2>/dev/null)" != "$wanted" ]; then
        # npm begins with an empty folder by itself.
        echo "Installing the npm packages into node_modules/ …" >&2
        npm ci --no-audit --no-fund --loglevel=error >&2 || fail "npm could not install the packages of package-lock.json."
        echo "$wanted" >node_modules/.installed
    fi
fi

finish
