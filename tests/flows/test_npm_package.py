"""The npm package of the client, installed elsewhere: used from Node against a running server, and from TypeScript."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.flows.conftest import Users
from tests.support.stacks import ROOT, Server

PROGRAM = """
import { TaskManagerWebSocket } from 'taskrealtime-client';

const [url, token, project, ws] = process.argv.slice(2);
const WebSocket = ws ? (await import(ws)).WebSocket : undefined;
const client = new TaskManagerWebSocket({ url, token, WebSocket });
const room = client.room(`project.${project}`);
const received = new Promise((resolve) => room.on('task_created', ({ task }) => resolve(task.title)));
await room.ready;
await client.createTask(project, { title: 'From Node' });
console.log(JSON.stringify([await received, client.state]));
client.close();
"""
TYPED = """
import { TaskManagerWebSocket } from 'taskrealtime-client';

const client = new TaskManagerWebSocket({ token: async () => null, connect: false });
client.on('task_created', ({ task }) => { const title: string = task.title; console.log(title); });
client.on('state', (state, { reason, retryAt }) => { const at: number | null = retryAt; console.log(state, reason, at); });
const room = client.room('helpdesk.queue.7');
room.on('record_updated', ({ model, changes }) => { const name: string = model; console.log(name, changes); });
room.on('deployed', (data) => { const version: unknown = data.version; console.log(version); });
room.on('change', ({ added }) => { const ids: (string | number)[] = added; console.log(ids); });
const title: string | undefined = room.records<{ title: string }>('helpdesk.ticket').get(1)?.title;
const answer: Promise<{ status: string }> = client.request('presence_update', { status: 'busy' });
console.log(title, answer);
// @ts-expect-error: no such status
client.request('presence_update', { status: 'asleep' });
// @ts-expect-error: no such field
room.on('record_deleted', ({ nonsense }) => console.log(nonsense));
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of another project with the packed package, and nothing else."""
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("project")
    run("node", ROOT / "scripts/npm_package.js", built / "package", cwd=ROOT)
    packed = json.loads(run("npm", "pack", "--json", "--pack-destination", built, cwd=built / "package"))
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    run("npm", "install", "--offline", "--no-audit", "--no-fund", built / packed[0]["filename"], cwd=folder)
    return folder


@pytest.mark.parametrize("way", ["live", "polling"])
def test_a_program_in_node_follows_a_room(server: Server, users: Users, installed: Path, way: str) -> None:
    """By a socket, and where the environment has none."""
    project = server.project(users.ann)
    (installed / "program.js").write_text(PROGRAM)
    url = f"{server.url.replace('http', 'ws')}/ws/"
    socket = [f"file://{ROOT}/node_modules/ws/wrapper.mjs"] if way == "live" else []
    # Newer releases of Node have a WebSocket of their own.
    hidden = [] if way == "live" else ["--import", "data:text/javascript,globalThis.WebSocket=undefined"]
    printed = run("node", *hidden, "program.js", url, server.token(users.ann), str(project), *socket, cwd=installed)
    assert json.loads(printed) == ["From Node", way]


def test_typescript_knows_the_events(installed: Path) -> None:
    (installed / "typed.ts").write_text(TYPED)
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
    run(ROOT / "node_modules/.bin/tsc", *options, "--lib", "es2022,dom", "--types", "", "typed.ts", cwd=installed)


def test_the_plain_script_sets_the_class(installed: Path) -> None:
    script = installed / "node_modules/taskrealtime-client/taskrealtime.min.js"
    # The package is of modules; a page has its script without them.
    (installed / "plain.cjs").write_text(script.read_text() + ";console.log(typeof globalThis.TaskManagerWebSocket)")
    assert run("node", "plain.cjs", cwd=installed).strip() == "function"
