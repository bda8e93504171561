"""Profiles that tests use in turn: a test finds nothing of the test before."""

from typing import Any

from playwright.sync_api import Page

from tests.support.stacks import Server

from .profiles import Profiles

#: Leaves something in everything that keeps something.
LEAVE = """async () => {
    document.cookie = 'left=1';
    localStorage.left = sessionStorage.left = 1;
    await (await caches.open('left')).put('/left', new Response('left'));
    await new Promise((done) => { indexedDB.open('left').onsuccess = done; });
    window.name = 'left';
}"""
FIND = """async () => ({
    cookie: document.cookie,
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    caches: await caches.keys(),
    databases: await indexedDB.databases(),
    geolocation: (await navigator.permissions.query({name: 'geolocation'})).state,
    onLine: navigator.onLine,
    name: window.name,
    dark: matchMedia('(prefers-color-scheme: dark)').matches,
    calm: matchMedia('(prefers-reduced-motion: reduce)').matches,
    width: innerWidth,
})"""


def found(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(FIND)
    return found


def test_a_profile_comes_back_as_it_was_when_it_was_new(server: Server, profiles: Profiles) -> None:
    options = {"base_url": server.url, "locale": "en-NZ", "reduced_motion": "reduce"}
    profile = profiles.take(**options)
    profile.page.goto("/healthz")
    new = found(profile.page)
    profile.page.evaluate(LEAVE)
    profile.page.emulate_media(color_scheme="dark", reduced_motion="no-preference")
    profile.page.set_viewport_size({"width": 360, "height": 740})
    profile.context.grant_permissions(["geolocation"])
    for routed in (profile.page, profile.context):
        routed.route("**/*", lambda route: route.abort())
    profile.context.new_page().evaluate("console.error('left')")
    profile.context.set_offline(True)
    left = found(profile.page)
    assert [name for name in new if new[name] == left[name]] == []
    profiles.give_back(profile)

    again = profiles.take(**options)
    assert again is profile
    assert again.context.pages == [again.page]
    assert not again.problems
    again.page.goto("/healthz")
    assert found(again.page) == new
    assert again.page.go_back() is None
    profiles.give_back(again)


def test_what_the_pages_policy_forbids_is_a_problem_of_the_test(server: Server, profiles: Profiles) -> None:
    for breach in (
        "setTimeout('window.evaluated = true')",
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'}))",
        "document.body.setAttribute('style', 'color: red')",
        "document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/a.png'}))",
    ):
        profile = profiles.take(base_url=server.url)
        profile.page.goto("/login/")
        with profile.page.expect_console_message(lambda message: "Content Security Policy" in message.text):
            profile.page.evaluate(f"() => {{ {breach} }}")
        assert profile.page.evaluate("window.evaluated === undefined && window.ran === undefined")
        assert any("Content Security Policy" in problem for problem in profile.problems), breach
        profiles.give_back(profile)
