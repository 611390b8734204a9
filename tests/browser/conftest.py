"""A real browser on the built book. A page that asks another host, or logs an error, fails."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

# Axe takes its time for each element: 150 seconds for all questions of the bank on one page. What
# is hidden breaches nothing, and what looks the same as something before it breaches the same. So
# while axe looks, hidden banks and questions without any element of a new look are out of the page,
# and tokens of code of a look that was seen are plain text.
TAKE_OUT = """() => {
  const undo = [];
  const seen = new Set();
  const known = (look) => seen.has(look) || !seen.add(look);
  const out = (e) => {
    const [parent, next] = [e.parentNode, e.nextSibling];
    e.remove();
    undo.push(() => parent.insertBefore(e, next));
  };
  const look = (e) => {
    const style = getComputedStyle(e);
    return [e.tagName, e.className, e.disabled, e.checked, style.display, style.color,
      style.backgroundColor, style.fontWeight, style.fontSize].join();
  };
  const ground = (e) => {
    const colour = e ? getComputedStyle(e).backgroundColor : "none";
    return colour === "rgba(0, 0, 0, 0)" ? ground(e.parentElement) : colour;
  };
  document.querySelectorAll(".lbx-bank[hidden]").forEach(out);
  for (const question of document.querySelectorAll(".lbx-q")) {
    const looks = [question, ...question.querySelectorAll("*")].map(look);
    if (!looks.filter((one) => !known(one)).length) out(question);
  }
  for (const code of document.querySelectorAll("pre")) {
    const below = ground(code);
    for (const token of code.querySelectorAll("span"))
      if (!token.children.length && known(`${look(token)} on ${below}`)) {
        const text = document.createTextNode(token.textContent);
        token.replaceWith(text);
        undo.push(() => text.replaceWith(token));
      }
  }
  window.putBack = () => undo.reverse().forEach((one) => one());
}"""

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    """Return the address at which the built book is served."""
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


@pytest.fixture
def open_page(browser: Browser, server: str, site: Path) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the book in a fresh profile.

    `path` is like ``book/index.html``; `base` is ``http`` or ``file``; `workspace` stands for
    what the workspace server says in ``workspace.js``. After the test every request to another
    host, failed request, page error and console error of these pages fails it.
    """
    faults: list[str] = []
    contexts = []
    homes = {"http": server, "file": site.as_uri()}

    def on_request(request: Request) -> None:
        url = urlsplit(request.url)
        own = url.netloc == urlsplit(server).netloc if url.scheme == "http" else not url.netloc
        if not own or url.scheme not in ("http", "file", "data", "blob"):
            faults.append(f"asks another host: {request.url}")

    def on_failure(request: Request) -> None:
        # Leaving a page aborts what it was still loading.
        if "ERR_ABORTED" not in (request.failure or ""):
            faults.append(f"cannot load {request.url}: {request.failure}")

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(f"console: {message.text} ({message.location.get('url')})")

    def opened(
        path: str,
        *,
        dark: bool = False,
        width: int = 1280,
        base: str = "http",
        javascript: bool = True,
        workspace: dict[str, Any] | None = None,
    ) -> Page:
        context = browser.new_context(
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 800},
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.on("request", on_request)
        context.on("requestfailed", on_failure)
        context.on("console", on_console)
        context.on("weberror", lambda error: faults.append(f"page error: {error.error}"))
        if workspace is not None:
            script = f"window.lakebook = {json.dumps(workspace)};"
            context.route(
                "**/_static/workspace.js*",
                lambda route: route.fulfill(body=script, content_type="text/javascript"),
            )
        page = context.new_page()
        page.goto(f"{homes[base]}/{path}")
        page.wait_for_load_state("load")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def expect_accessible() -> Callable[..., None]:
    """Return a function that runs axe on a page and fails on a breach of WCAG 2.2 AA.

    It sees those questions and those tokens of code in which something looks as nothing before
    did, and not the others. With `part`, a selector, it sees only what is inside of that.
    """

    def run(page: Page, part: str | None = None) -> None:
        options = {
            "runOnly": {"type": "tag", "values": WCAG},
            "resultTypes": ["violations"],
            "preload": False,  # axe would fetch style sheets again, by wrong addresses
        }
        page.evaluate(TAKE_OUT)
        found = Axe().run(page, context=part, options=options).response["violations"]
        page.evaluate("window.putBack()")
        said = [
            f"{rule['id']} ({rule['impact']}): {node['html'][:160]}\n    {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]
        assert not said, f"{page.url}\n" + "\n".join(said)

    return run
