"""Headless Chromium, logged in at a device under test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Page, sync_playwright

from bench.device import NAME, PASSWORD

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]


@contextlib.contextmanager
def logged_in(port: int, *, without: str = "") -> Iterator[Page]:
    """A page after login.

    Args:
        without: name of something that this browser shall not have ("VideoDecoder").
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
        if without:
            context.add_init_script(f"delete window.{without};")
        page = context.new_page()
        page.goto(f"https://localhost:{port}/login")
        page.fill("#name", NAME)
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url("**/live")
        yield page
        browser.close()
