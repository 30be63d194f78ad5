"""The page of a bundle in headless Chromium: drawn pictures, from files and a camera, get the answers of Python."""

import base64
import functools
import hashlib
import http.server
import io
import re
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

import maskopt
from maskopt.bundle.card import MORE
from maskopt.bundle.description import FILE, MODEL, Description, Input, Output
from maskopt.bundling import TEMPLATE
from maskopt.data.picture import BACKGROUND, open_picture
from maskopt.networks.backbones import SYMMETRIC

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_MS = 60_000
SIZE_PX = 32
CLASSES = ("with_mask", "without_mask", "mask_weared_incorrect")
MAX_PIXELS = 10**6
SCREENS = {"wide": (1300, 900), "phone": (320, 640)}
# What scores may differ by: kernels of processors add in another order, which can move a whole level of integers.
TOLERANCES = {"float32": 1e-5, "dynamic": 1e-3, "int8": 1.5 / 256}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle without a model, with what npm brings."""
    if shutil.which("npm") is None:
        pytest.skip("no npm: apt-get install -y npm")
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    subprocess.run(["npm", "install", "--silent"], cwd=folder / "web", check=True)
    return folder


@pytest.fixture(scope="module")
def models(one_thread):  # noqa: ARG001
    """Files of each format of a network with random weights, whose scores differ from picture to picture."""
    from maskopt.networks.backbones import build_classifier
    from maskopt.networks.keras import keras
    from maskopt.params import Trunk
    from maskopt.tflite.convert import FORMATS, convert
    from maskopt.tflite.slimming import slim

    keras.utils.set_random_seed(0)
    model = build_classifier(Trunk(architecture="separable", width=0.5, depth=1, until=None), SIZE_PX, len(CLASSES))
    pictures = np.stack([np.asarray(soft((SIZE_PX, SIZE_PX), seed)) for seed in range(40)])
    logits = model.predict(pictures / np.float32(127.5) - 1, verbose=0)
    kernel, bias = model.layers[-1].get_weights()
    gain = 1 / logits.std(axis=0)
    model.layers[-1].set_weights([kernel * gain, (bias - logits.mean(axis=0)) * gain])
    return {name: slim(convert(model, SYMMETRIC, name, pictures), {}, b"{}") for name in FORMATS}


def soft(size, seed):
    """A picture of soft colours, which shrinking changes in every pixel."""
    colours = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), np.uint8)
    return Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def describe(bundle, models):
    """Return a function that puts a model of a format into the bundle, for pictures brought to its size in some way."""

    def write(file_format="int8", aspect="stretch", unsure_below=0):
        content = models[file_format]
        (bundle / MODEL).write_bytes(content)
        is_int8 = file_format == "int8"
        dtype = "uint8" if is_int8 else "float32"
        said = Description(
            network="separable",
            variant="finetuned",
            format=file_format,
            seed=0,
            classes=CLASSES,
            pictures="drawings",
            input=Input(
                height_px=SIZE_PX,
                width_px=SIZE_PX,
                dtype=dtype,
                aspect=aspect,
                background=BACKGROUND,
                max_pixels=MAX_PIXELS,
            ),
            output=Output(dtype=dtype, scale=1 / 256 if is_int8 else 1, zero_point=0),
            unsure_below=unsure_below,
            unsure_share=0,
            right_when_sure=0.99,
            sha256=hashlib.sha256(content).hexdigest(),
            raw_bytes=len(content),
            gzip_bytes=1,
            vectors_tolerance=TOLERANCES[file_format],
            operators=(),
            arena_bytes=None,
            metrics={},
            commit=None,
            origin=None,
        )
        (bundle / FILE).write_text(said.model_dump_json())
        return maskopt.load(bundle)

    return write


@contextmanager
def serve(folder):
    """Serve a folder on this machine; give the address of its page."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/web/"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(bundle):
    """Where the page is."""
    with serve(bundle) as page:
        yield page


def open_page(browser, address, says="Choose a picture.", **context):
    """Open the page, and wait until it says something."""
    page = browser.new_page(**{"viewport": {"width": 420, "height": 800}} | context)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    wait_for(page, says)
    return page


def wait_for(page, text):
    page.wait_for_function("(text) => document.getElementById('answer').textContent === text", arg=text)


def ask(page, file):
    """Return the scores that the page shows for a file."""
    page.evaluate("document.getElementById('shown').hidden = true")
    page.set_input_files("#file", str(file))
    page.wait_for_selector("#shown", state="visible")
    return page.evaluate("[...document.querySelectorAll('meter')].map((meter) => meter.value)")


def seen(page):
    """Return the picture that the page has classified."""
    address = page.evaluate("document.getElementById('view').toDataURL()")
    return Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB")


@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
def test_page_gives_the_answer_of_python_and_asks_nobody(describe, address, browser, tmp_path, aspect):
    opened, file = describe("float32", aspect), tmp_path / "drawn.png"
    soft((150, 90), 0).save(file)
    page, asked, errors = open_page(browser, address), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.reload()
    wait_for(page, "Choose a picture.")
    scores, answer = ask(page, file), opened.classify(file)
    assert not errors
    np.testing.assert_allclose(scores, list(answer.scores.values()), atol=0.01)  # of pixels, see tests/unit/test_fit.py
    assert page.inner_text("#answer") == answer.label
    assert asked
    assert all(url.startswith(("http://127.0.0.1", "data:", "blob:")) for url in asked), asked
    page.close()


@pytest.mark.parametrize("file_format", TOLERANCES)
def test_scores_are_those_of_python(describe, address, browser, tmp_path, file_format):
    opened = describe(file_format)
    page, labels = open_page(browser, address), set()
    for seed in range(12):
        file = tmp_path / f"{seed}.png"
        soft((SIZE_PX, SIZE_PX), seed).save(file)
        answer = opened.classify(file)
        np.testing.assert_allclose(ask(page, file), list(answer.scores.values()), atol=TOLERANCES[file_format])
        labels.add(answer.label)
    assert labels == set(CLASSES)
    page.close()


def test_unsure_answer_says_whose_the_figure_is_and_what_it_is_under(describe, address, browser, tmp_path):
    opened, file = describe("float32", unsure_below=0.9996), tmp_path / "drawn.png"
    soft((SIZE_PX, SIZE_PX), 0).save(file)
    page = open_page(browser, address)
    ask(page, file)
    answer = opened.classify(file)
    assert page.inner_text("#answer") == "unsure"
    told = f"{answer.label} {100 * answer.confidence:.1f}%, under 100.0%, in "
    assert page.inner_text("#sureness").startswith(told)
    page.close()


def swapped():
    """A colour profile that shows red as green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = [profile[start : start + 12] for start in range(132, 132 + 12 * int.from_bytes(profile[128:132]), 12)]
    red, green = (int.from_bytes(next(tag for tag in tags if tag[:4] == name)[4:8]) for name in (b"rXYZ", b"gXYZ"))
    profile[red : red + 20], profile[green : green + 20] = profile[green : green + 20], profile[red : red + 20]
    return bytes(profile)


@pytest.mark.parametrize("kind", ["turned.jpg", "turned.png", "profile.jpg", "profile.png", "clear.png", "grey.png"])
def test_page_sees_the_pixels_that_python_sees(describe, address, browser, tmp_path, kind):
    describe()
    file, picture, more = tmp_path / kind, soft((150, 90), 0), {}
    match kind.split(".")[0]:
        case "turned":
            more["exif"] = Image.Exif()
            more["exif"][0x0112] = 6  # a quarter to the right
        case "profile":
            more["icc_profile"] = swapped()
        case "clear":
            picture.putalpha(soft(picture.size, 1).convert("L"))
        case "grey":
            picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    picture.save(file, **more)
    page = open_page(browser, address)
    ask(page, file)
    np.testing.assert_array_equal(np.asarray(seen(page)), np.asarray(open_picture(file, MAX_PIXELS).image))
    page.close()


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("notes.png", None, "notes.png is no picture that this browser can read."),
        ("large.png", (1001, 1000), "large.png has more than 1,000,000 pixels."),
    ],
)
def test_file_that_cannot_be_classified_is_named(describe, address, browser, tmp_path, name, size, says):
    describe()
    page = open_page(browser, address)
    soft((40, 40), 0).save(tmp_path / "before.png")
    ask(page, tmp_path / "before.png")
    if size:
        Image.new("RGB", size).save(tmp_path / name)
    else:
        (tmp_path / name).write_text("no picture")
    page.set_input_files("#file", str(tmp_path / name))
    wait_for(page, says)
    assert page.is_hidden("#shown")  # scores of the picture before
    page.close()


def test_page_runs_and_asks_nothing_of_others(describe, address, browser):
    describe()
    page = open_page(browser, address)
    refused = """async (act) => {
      const told = new Promise((tell) => addEventListener('securitypolicyviolation', tell));
      if (act === 'ask') await fetch('http://localhost:9').catch(() => {});
      const script = Object.assign(document.createElement('script'), {text: 'window.ran = 1'});
      if (act === 'run') document.body.append(script);
      return (await told).effectiveDirective;
    }"""
    assert page.evaluate(refused, "ask") == "connect-src"
    assert page.evaluate(refused, "run") == "script-src-elem"
    assert page.evaluate("window.ran") is None
    page.close()


def test_page_without_litert_or_its_model_says_so(bundle, describe, browser, tmp_path):
    describe()
    shutil.copytree(bundle, tmp_path / "bare", ignore=shutil.ignore_patterns("node_modules"))
    with serve(tmp_path / "bare") as page:
        says = "LiteRT.js is missing: in the folder web, run npm install, then npm start, and open its address."
        open_page(browser, page, says).close()
        (tmp_path / "bare" / "web" / "node_modules").symlink_to(bundle / "web" / "node_modules")
        for name in (MODEL, FILE):
            (tmp_path / "bare" / name).unlink()
            says = f"{name} is missing: serve the whole folder of the bundle, as npm start does."
            open_page(browser, page, says).close()


def test_results_are_given_back(describe, address, browser, tmp_path):
    """LiteRT.js keeps what nobody deletes, and a camera asks many times a second."""
    describe()
    soft((40, 40), 0).save(tmp_path / "a.png")
    page = open_page(browser, address)
    page.evaluate("""async () => {
      const {Tensor} = await import('@litertjs/core');
      const {data} = Tensor.prototype;
      Tensor.prototype.data = function () { window.result = this; return data.call(this); };
    }""")
    ask(page, tmp_path / "a.png")
    assert page.evaluate("window.result.deleted")
    page.close()


def write_film(path, picture):
    """Write a y4m file of one frame, for cameras that are none: BT.601, 16 to 235, a colour for four pixels."""
    luma, *chroma = (np.asarray(band, np.float64) for band in picture.convert("YCbCr").split())
    width, height = picture.size
    small = [band.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) for band in chroma]
    planes = [16 + luma * 219 / 255, *(128 + (band - 128) * 224 / 255 for band in small)]
    frame = b"".join(plane.round().astype(np.uint8).tobytes() for plane in planes)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420\nFRAME\n".encode() + frame)


@pytest.fixture
def filmed(launch, tmp_path):
    """Return a function that opens a browser whose camera sees a picture."""
    browsers = []

    def watch(picture):
        write_film(tmp_path / "film.y4m", picture)
        film = f"--use-file-for-fake-video-capture={tmp_path / 'film.y4m'}"
        browsers.append(launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", film))
        return browsers[-1]

    yield watch
    for browser in browsers:
        browser.close()


@pytest.mark.parametrize(("seed", "label"), [(0, "with_mask"), (3, "without_mask"), (12, "mask_weared_incorrect")])
def test_camera_gets_the_answer_of_python(describe, address, filmed, seed, label):
    opened, picture = describe(), soft((640, 480), seed)
    page = open_page(filmed(picture), address)
    page.click("#camera")
    page.wait_for_selector("#shown", state="visible")
    np.testing.assert_allclose(np.asarray(seen(page)).astype(int), np.asarray(picture), atol=10)  # few colours in films
    assert page.inner_text("#answer") == opened.classify(picture).label == label


READ_OUT = """async () => {
  let [answers, pictures] = [0, 0];
  const watched = {childList: true, characterData: true, subtree: true};
  new MutationObserver(() => answers++).observe(document.getElementById('answer'), watched);
  new MutationObserver(() => pictures++).observe(document.getElementById('sureness'), watched);
  while (pictures < 10) await new Promise(requestAnimationFrame);
  return answers;
}"""


def test_camera_reads_out_changes_alone_and_can_be_stopped(describe, address, filmed):
    describe()
    page = open_page(filmed(soft((640, 480), 0)), address)
    page.click("#camera")
    page.wait_for_selector("#shown", state="visible")
    assert page.evaluate(READ_OUT) == 0
    page.click("text=Stop the camera")
    page.wait_for_selector("text=Use the camera")
    assert page.evaluate("document.getElementById('video').srcObject.getTracks()[0].readyState") == "ended"


def test_file_takes_the_place_of_the_camera(describe, address, filmed, tmp_path):
    describe()
    soft((40, 40), 1).save(tmp_path / "a.png")
    page = open_page(filmed(soft((640, 480), 0)), address)
    page.click("#camera")
    page.wait_for_selector("#shown", state="visible")
    ask(page, tmp_path / "a.png")
    page.wait_for_timeout(500)
    assert seen(page).size == (40, 40)


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        (1, "The camera was refused: allow it for this page in the browser, or choose a picture."),
        (0, "No camera was found: connect one, or choose a picture."),
    ],
)
def test_page_without_a_camera_says_why(describe, address, launch, devices, says):
    describe()
    browser = launch(f"--use-fake-device-for-media-stream=device-count={devices}")  # and nobody who allows it
    page = open_page(browser, address)
    page.click("#camera")
    wait_for(page, says)
    browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_page_keeps_nobody_out(describe, address, filmed, axe, tmp_path, scheme, screen):
    describe()
    width, height = SCREENS[screen]
    browser = filmed(soft((640, 480), 0))
    page = open_page(browser, address, viewport={"width": width, "height": height}, color_scheme=scheme)
    states = [look(page, axe, tmp_path / "before.png")]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].innerText").startswith("Picture")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the button
    page.wait_for_selector("#shown", state="visible")
    page.keyboard.press("Enter")  # and the focus is still there
    page.wait_for_function("document.getElementById('camera').textContent === 'Use the camera'")
    states.append(look(page, axe, tmp_path / "after.png"))
    for violations, overflow in states:
        assert violations == []
        assert overflow <= width


def look(page, axe, file):
    """Return what axe finds, and how wide the page is."""
    page.screenshot(path=file, full_page=True)
    page.evaluate(axe)
    return page.evaluate("axe.run()")["violations"], page.evaluate("document.documentElement.scrollWidth")


def test_command_of_the_card_serves_this_machine_alone(bundle, describe, browser):
    describe()
    (command,) = re.findall(r"`(cd web.+?)`", MORE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = subprocess.Popen(
        command.replace("8000", str(port)), shell=True, cwd=bundle, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        served = listening(started.pid, port)
        open_page(browser, f"http://127.0.0.1:{port}/web/").close()
        assert served == {"127.0.0.1"}
    finally:
        for process in [*psutil.Process(started.pid).children(recursive=True), started]:
            with suppress(psutil.NoSuchProcess):  # npm's children end with it
                process.terminate()
        started.wait()


def listening(pid, port):
    """Return the addresses that a process and its children listen on, once it does."""
    for _ in range(100):
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        found = [each.laddr for process in processes for each in process.net_connections() if each.status == "LISTEN"]
        if addresses := {address.ip for address in found if address.port == port}:
            return addresses
        time.sleep(0.1)
    pytest.fail(f"nobody listens on port {port}")
