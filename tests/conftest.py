"""What holds for every test: one thread, the same random numbers in whatever order they run; and a browser."""

import shutil
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def one_thread():
    """TensorFlow fixes its threads when it first computes: fixtures of a session that use it ask for this one."""
    from maskopt.networks.keras import configure

    configure(seed=0, threads=1)


@pytest.fixture(scope="session", autouse=True)
def configured(request):
    """Configure TensorFlow if the tests import it; others need not wait for it."""
    if "maskopt.networks.keras" in sys.modules:
        request.getfixturevalue("one_thread")


@pytest.fixture(autouse=True)
def seeded(configured):  # noqa: ARG001
    """Start each test from the same random numbers."""
    if "maskopt.networks.keras" in sys.modules:
        from maskopt.networks.keras import keras

        keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def launch():
    """Return a function that opens Chromium without a window, which talks to nobody by itself."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: apt-get install -y chromium")
    from playwright.sync_api import sync_playwright

    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    always = ["--no-sandbox", "--disable-gpu", *quiet]
    with sync_playwright() as playwright:
        yield lambda *more: playwright.chromium.launch(executable_path=chromium, headless=True, args=[*always, *more])


@pytest.fixture(scope="module")
def browser(launch):
    """Chromium without a camera."""
    opened = launch("--use-fake-device-for-media-stream=device-count=0")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The script of axe-core, which looks for what keeps people out."""
    if shutil.which("npm") is None:
        pytest.skip("no npm: apt-get install -y npm")
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "install", "--silent", "axe-core@4"], cwd=folder, check=True)
    return (folder / "node_modules/axe-core/axe.min.js").read_text()
