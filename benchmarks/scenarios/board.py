"""A large board in a browser, while others work on it."""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright
from websockets.sync.client import connect

from benchmarks.bench import Cores, Effort, Result, spread
from benchmarks.servers import Installation, RunningOurs, World
from benchmarks.tables import number, table
from tests.services import chromium

TITLE = "A board of 2 000 cards in Chromium"
SIZES = (100, 2000)
EVERY = 0.05
STATUSES = ("todo", "in_progress", "review", "completed")

#: Notes the time between animation frames until it is stopped.
WATCH = """
() => {
  const frames = [];
  let last = performance.now();
  let on = true;
  const note = (now) => { frames.push(now - last); last = now; if (on) requestAnimationFrame(note); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(note); });
  window.stopWatching = () => { on = false; return frames; };
}
"""


def measure(cores: Cores, effort: Effort) -> Result:
    """By number of cards: opening, frames at rest, with an event every 50 ms, and in a drag."""
    with ExitStack() as stack:
        ours = stack.enter_context(closing(RunningOurs(cores)))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium.ensure(), args=chromium.arguments())
        stack.callback(browser.close)
        found: Result = {}
        for cards in SIZES:
            world = ours.installation.populate(users=2, tasks=cards)
            cookie = _prepare(ours.installation, world)
            runs = []
            for _ in range(min(effort.repeats, 3)):
                context = browser.new_context(
                    bypass_csp=True, base_url=f"http://127.0.0.1:{ours.port}", viewport={"width": 1400, "height": 900}
                )
                context.add_cookies([{"name": "sessionid", "value": cookie, "url": f"http://127.0.0.1:{ours.port}"}])
                with closing(context):
                    runs.append(_one_run(context.new_page(), ours.port, world, effort.seconds * 2))
            found[str(cards)] = {name: spread([run[name] for run in runs]) for name in runs[0]}
        return found


def _prepare(installation: Installation, world: World) -> str:
    """Spread the tasks over the columns; sign the last of the members in."""
    installation.stack.run(
        "for n, status in enumerate(statuses):\n"
        "    Task.objects.filter(pk__in=ids[n :: len(statuses)]).update(status=status)",
        statuses=STATUSES,
        ids=world.tasks[0],
    )
    code = (
        "from importlib import import_module\n"
        "from django.conf import settings\n"
        "from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY\n"
        "user = Membership.objects.filter(project_id=project).order_by('-pk')[0].user\n"
        "session = import_module(settings.SESSION_ENGINE).SessionStore()\n"
        "session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()\n"
        "session[BACKEND_SESSION_KEY] = 'django.contrib.auth.backends.ModelBackend'\n"
        "session.save()\n"
        "result = session.session_key\n"
    )
    key = installation.stack.run(code, project=world.projects[0])
    assert isinstance(key, str)
    return key


def _one_run(page: Page, port: int, world: World, seconds: float) -> Result:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    page.goto(f"/projects/{world.projects[0]}/")
    cards = len(world.tasks[0])
    page.wait_for_function(
        "n => document.querySelectorAll('[data-task-id]').length === n && "
        "document.body.dataset.connectionState === 'live'",
        arg=cards,
    )
    opened = page.evaluate("() => performance.now()")
    paint = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
    page.wait_for_timeout(1000)
    result = {"first_paint": paint, "opened": opened} | _frames(page, "rest", seconds)
    with _events(port, world) as told:
        before, sent = _busy(devtools), told["count"]
        result |= _frames(page, "events", seconds)
        result["main_thread"] = (_busy(devtools) - before) * 1e3 / max(1, told["count"] - sent)
        result |= _drag(page, world)
    return result


def _busy(devtools: CDPSession) -> float:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _frames(page: Page, name: str, seconds: float) -> Result:
    page.evaluate(WATCH)
    page.wait_for_timeout(seconds * 1000)
    return _tell_frames(page, name)


def _tell_frames(page: Page, name: str) -> Result:
    frames = sorted(page.evaluate("() => stopWatching()"))
    return {
        f"{name}_median": frames[len(frames) // 2],
        f"{name}_p95": frames[int(len(frames) * 0.95)],
        f"{name}_worst": frames[-1],
    }


def _drag(page: Page, world: World) -> Result:
    """Carry the first card of the first column over the third and let go."""
    box = page.locator("[data-status=todo] [data-task-id]").first.bounding_box()
    target = page.locator("[data-status=review]").bounding_box()
    assert box
    assert target
    page.mouse.move(box["x"] + 40, box["y"] + 15)
    page.evaluate(WATCH)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(box["x"] + 40 + (target["x"] - box["x"]) * step / 60, box["y"] + 15 + 4 * step)
        page.wait_for_timeout(16)
    page.mouse.up()
    page.wait_for_timeout(300)
    return _tell_frames(page, "drag")


@contextmanager
def _events(port: int, world: World) -> Iterator[dict[str, int]]:
    """Another user moves and renames cards, one every 50 ms."""
    told, on = {"count": 0}, threading.Event()

    def work() -> None:
        chance = random.Random(7)
        headers = {"Authorization": f"Bearer {world.tokens[0]}"}
        with connect(f"ws://127.0.0.1:{port}/ws/", additional_headers=headers, proxy=None) as socket:
            threading.Thread(target=lambda: [None for _ in socket], daemon=True).start()
            begun = time.monotonic()
            while not on.is_set():
                socket.send(json.dumps(_change(chance, world.tasks[0], told["count"])))
                told["count"] += 1
                time.sleep(max(0.0, begun + told["count"] * EVERY - time.monotonic()))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield told
    finally:
        on.set()
        thread.join()


def _change(chance: random.Random, tasks: list[int], number: int) -> dict[str, Any]:
    task = chance.choice(tasks)
    if number % 2:
        return {"event": "task_update", "data": {"task_id": task, "changes": {"title": f"Renamed {number}"}}}
    return {"event": "task_move", "data": {"task_id": task, "status": chance.choice(STATUSES)}}


def tell(result: Result) -> str:
    """The report's text."""
    names = {
        "first_paint": "first paint",
        "opened": "all cards there, live",
        "rest_median": "frame at rest: median",
        "events_median": "an event every 50 ms: median frame",
        "events_p95": "p95",
        "events_worst": "the worst",
        "main_thread": "main thread for each event",
        "drag_median": "a drag meanwhile: median frame",
        "drag_p95": "p95 of the drag",
        "drag_worst": "the worst of the drag",
    }
    rows = [[text, *(_figure(one[key]) for one in result.values())] for key, text in names.items()]
    return f"""\
A window of 1400 × 900 without a graphics card, on the same core as PostgreSQL and Redis. In ms; a display of 60 Hz has
a frame every 16.7 ms. In the second half another user moves or renames a card, in turn, every
{EVERY * 1000:.0f} ms.

{table(["", *(f"{size} cards" for size in result)], rows)}"""


def _figure(one: Result) -> str:
    return f"{number(one['median'])} ({number(one['low'])}–{number(one['high'])})"
