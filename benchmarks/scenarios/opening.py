"""A board that a browser opens for the first time, over a slow network."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from playwright.sync_api import Browser, Page, Request, sync_playwright

from benchmarks.bench import Cores, Effort, Result, spread
from benchmarks.servers import Installation
from benchmarks.tables import number, table
from tests.browser.board import weight
from tests.services import chromium
from tests.support.stacks import Server, User

TITLE = "Opening a board over a slow network"
CARDS = 30
#: Milliseconds there and back, and bytes a second each way: 1.6 Mbit/s.
ROUND_TRIP, RATE = 150, 200_000

ADD_CARDS = "for n in range(cards): Task.objects.create(project_id=project, title=f'Card {n}')"

#: Notes when the first card is in the document, milliseconds since the page was asked for.
NOTE_FIRST_CARD = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('[data-task-id]')) return;
  observer.disconnect();
  requestAnimationFrame(() => { window.firstCard = performance.now(); });
}).observe(document, { childList: true, subtree: true });
"""


def measure(cores: Cores, effort: Effort) -> Result:
    """First card, requests and bytes, with the bundle that production serves and with the modules of development."""
    with ExitStack() as stack:
        installation = stack.enter_context(closing(Installation(settings="tests.browser.settings")))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium.ensure(), args=chromium.arguments())
        stack.callback(browser.close)
        root = stack.enter_context(tempfile.TemporaryDirectory())
        installation.stack.manage("collectstatic", "--noinput", TEST_STATIC_ROOT=root)
        user = installation.stack.user()
        found: Result = {}
        for name, setting, value in (("bundle", "TEST_STATIC_ROOT", root), ("modules", "DEBUG", "1")):
            with cores.serving():
                server = installation.stack.server(serve=True, processes=1, **{setting: value})
            project = server.project(user)
            installation.stack.run(ADD_CARDS, project=project, cards=CARDS)
            runs = [_open(browser, server, user, project) for _ in range(min(effort.repeats, 5))]
            found[name] = {key: spread([run[key] for run in runs]) for key in runs[0]}
        return found


def _open(browser: Browser, server: Server, user: User, project: int) -> dict[str, float]:
    with _cold_page(browser, server, user) as (page, requests):
        page.goto(f"{server.url}/projects/{project}/", wait_until="commit")
        page.wait_for_function("() => window.firstCard")
        first_card = page.evaluate("() => window.firstCard")
        page.wait_for_load_state("networkidle")
        return {"first_card": first_card, "requests": len(requests), "weight": sum(map(weight, requests)) / 1000}


@contextmanager
def _cold_page(browser: Browser, server: Server, user: User) -> Iterator[tuple[Page, list[Request]]]:
    """A page with an empty cache behind the slow network, and the requests that it has finished."""
    with closing(browser.new_context()) as context:
        context.add_cookies([{"name": "sessionid", "value": server.session(user), "url": server.url}])
        context.add_init_script(NOTE_FIRST_CARD)
        page = context.new_page()
        requests: list[Request] = []
        page.on("requestfinished", lambda request: requests.append(request))
        network = {"offline": False, "latency": ROUND_TRIP, "downloadThroughput": RATE, "uploadThroughput": RATE}
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", network)
        yield page, requests


def tell(result: Result) -> str:
    """The report's text."""
    names = {"first_card": "first card, ms", "requests": "requests", "weight": "on the wire, kB"}
    rows = [[text, *(_figure(result[name][key]) for name in ("bundle", "modules"))] for key, text in names.items()]
    return f"""\
Chromium with an empty cache, {ROUND_TRIP} ms there and back, 1.6 Mbit/s, HTTP/1.1, a board of {CARDS} cards; the
browser slows the network itself. Beside what production serves: the modules of development (`DEBUG=1`), uncompressed.

{table(["", "production", "development"], rows)}"""


def _figure(one: Result) -> str:
    return f"{number(one['median'])} ({number(one['low'])}–{number(one['high'])})"
