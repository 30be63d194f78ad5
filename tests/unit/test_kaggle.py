"""Against a stub on the loopback interface that answers as Kaggle does."""

import io
import json
import logging
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maskopt.errors import KaggleFailed, NoKaggleCredentials

DATASET = "owner/pictures"
SERVICE = "/v1/datasets.DatasetApiService"


def zipped(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return buffer.getvalue()


def changed(mark, place, value):
    """Return a zip with one byte changed after a mark in it."""
    content = bytearray(zipped(["cat/1.png"]))
    content[content.index(mark) + place] = value
    return bytes(content)


class Stub(ThreadingHTTPServer):
    """Answers with `status` and `content`, and notes the requests."""

    status, content = 200, zipped(["cat/1.png", "dog/1.png"])

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, body, self.headers["Authorization"]))
        if self.server.status != 200:
            self.answer(self.server.status, "application/json", b'{"message": "no"}')
        elif self.path == f"{SERVICE}/GetDataset":
            self.answer(200, "application/json", json.dumps({"currentVersionNumber": 3}).encode())
        else:
            self.answer(200, "application/zip", self.server.content)

    def answer(self, status, kind, content):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def stub(monkeypatch, tmp_path):
    from kagglesdk import kaggle_env

    server = Stub()
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, address)
    for name in [name for name in os.environ if name.startswith("KAGGLE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home" / ".kaggle"))
    (tmp_path / "home" / ".kaggle").mkdir(parents=True)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def signed_in(stub, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_test")
    return stub


def download(tmp_path):
    from maskopt.data.kaggle import download

    return download(DATASET, tmp_path / "cache")


def failure(tmp_path, error=KaggleFailed, *, transient=False):
    with pytest.raises(error) as caught:
        download(tmp_path)
    assert caught.value.transient == transient
    return str(caught.value)


def test_newest_version_is_downloaded_into_the_cache_given(signed_in, tmp_path):
    folder = download(tmp_path)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png")) == ["cat/1.png", "dog/1.png"]
    assert tmp_path / "cache" in folder.parents
    assert [path for path, _, _ in signed_in.requests] == [f"{SERVICE}/GetDataset", f"{SERVICE}/DownloadDataset"]
    assert signed_in.requests[1][1] == {"ownerSlug": "owner", "datasetSlug": "pictures", "datasetVersionNumber": 3}


@pytest.mark.usefixtures("signed_in")
def test_nothing_is_written_to_the_home_folder_and_the_environment_stays(tmp_path):
    before = dict(os.environ)
    download(tmp_path)
    assert [path.name for path in (tmp_path / "home").rglob("*")] == [".kaggle"]
    assert dict(os.environ) == before


@pytest.mark.parametrize("place", ["variable", "access_token", "variables", "kaggle.json"])
def test_credentials_are_found_in_the_usual_places(place, stub, monkeypatch, tmp_path):
    folder = tmp_path / "home" / ".kaggle"
    match place:
        case "variable":
            monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_test")
        case "access_token":
            (folder / "access_token").write_text("KGAT_test\n")
        case "variables":
            monkeypatch.setenv("KAGGLE_USERNAME", "me")
            monkeypatch.setenv("KAGGLE_KEY", "key")
        case "kaggle.json":
            (folder / "kaggle.json").write_text('{"username": "me", "key": "key"}')
    download(tmp_path)
    expected = "Bearer KGAT_test" if place in {"variable", "access_token"} else "Basic bWU6a2V5"
    assert {authorization for _, _, authorization in stub.requests} == {expected}


def test_missing_credentials_say_where_to_put_them(stub, tmp_path):
    assert failure(tmp_path, NoKaggleCredentials) == (
        "Kaggle needs credentials: none were found. Make a token at https://www.kaggle.com/settings and put it into "
        "~/.kaggle/access_token or the variable KAGGLE_API_TOKEN; an older user name and key go into "
        "~/.kaggle/kaggle.json or the variables KAGGLE_USERNAME and KAGGLE_KEY"
    )
    assert stub.requests == []


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("content", ["not json: secret", '{"username": "secret"}'])
def test_broken_credentials_are_named_and_not_shown(content, tmp_path):
    file = tmp_path / "home" / ".kaggle" / "kaggle.json"
    file.write_text(content)
    message = failure(tmp_path, NoKaggleCredentials)
    assert str(file) in message
    assert "secret" not in message


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("content", ["null", "[" * 100_000])
def test_credentials_that_are_no_texts_are_told(content, tmp_path):
    (tmp_path / "home" / ".kaggle" / "kaggle.json").write_text(content)
    assert "kaggle.json does not hold a username and a key" in failure(tmp_path, NoKaggleCredentials)


def test_refused_credentials_are_told(signed_in, tmp_path):
    signed_in.status = 401
    assert "Kaggle needs credentials: it does not accept those it got (401)" in failure(tmp_path, NoKaggleCredentials)


@pytest.mark.parametrize(
    ("status", "reason", "next_step"),
    [
        (403, "it refuses (403)", "Accept the terms on the page of the data set"),
        (404, "there is no such data set (404)", "Mend data.kaggle_dataset in params.yaml: owner/name"),
        (429, "it has had too many requests (429)", "Wait some minutes"),
        (500, "it answers with HTTP status 500", "put it into data/incoming and set data.source to archive"),
    ],
)
def test_refusals_say_why_and_what_next(status, reason, next_step, signed_in, tmp_path):
    signed_in.status = status
    message = failure(tmp_path, transient=status >= 429)
    assert message.startswith(f"owner/pictures could not be downloaded from Kaggle: {reason}. ")
    assert next_step in message
    assert "KGAT_test" not in message


def test_no_connection_is_told(signed_in, tmp_path):
    signed_in.shutdown()
    signed_in.server_close()
    assert "could not be downloaded from Kaggle: no connection (ConnectionError)" in failure(tmp_path, transient=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "damaged, or nei"),
        (b"<!DOCTYPE html><title>Sign in</title>", "damaged, or nei"),
        (zipped(["cat/1.png"])[:-30], "damaged, or nei"),
        (changed(b"PK\1\2", 10, 99), "'cat/1.png' is compressed in another way than zip's own"),
    ],
    ids=["text", "page", "cut off", "compression"],
)
def test_what_is_no_whole_archive_is_told(content, reason, signed_in, tmp_path):
    signed_in.content = content
    message = failure(tmp_path)
    assert f"owner/pictures could not be downloaded from Kaggle: what came was not unpacked: {reason}" in message
    assert "unpack it yourself and set data.source to folder" in message
    assert "kaggle_dataset" not in message


def test_encrypted_archive_is_told(signed_in, tmp_path):
    signed_in.content = changed(b"PK\1\2", 8, 1)
    assert "what came was not unpacked: 'cat/1.png' is encrypted. Run" in failure(tmp_path)


@pytest.mark.parametrize("name", ["cat/" + "a" * 300, "../cat/1.png"])
def test_archive_is_unpacked_with_the_bounds_of_other_archives(name, signed_in, tmp_path):
    signed_in.content = zipped([name])
    assert f"what came was not unpacked: {name!r} " in failure(tmp_path)


@pytest.mark.usefixtures("signed_in")
def test_odd_name_of_a_data_set_is_told(tmp_path):
    from maskopt.data.kaggle import download

    with pytest.raises(KaggleFailed, match=r"Mend data\.kaggle_dataset in params\.yaml: owner/name"):
        download("pictures", tmp_path)


@pytest.mark.parametrize("status", [200, 404])
def test_fetch_takes_the_whole_or_leaves_nothing(status, signed_in, tmp_path):
    from maskopt.data.source import fetch
    from maskopt.params import Data, Sample

    signed_in.status = status
    data = Data(
        source="kaggle", path=tmp_path, kaggle_dataset=DATASET, classes=("cat", "dog"), rows_per_class=None, about=None
    )
    target = tmp_path / "data" / "raw"
    if status == 200:
        fetch(data, Sample(version=1, seed=0), target)
        assert (target / "dog" / "1.png").read_text() == "dog/1.png"
        assert [path.name for path in target.parent.iterdir()] == ["raw"]
    else:
        with pytest.raises(KaggleFailed):
            fetch(data, Sample(version=1, seed=0), target)
        assert list(target.parent.iterdir()) == []


TOKEN = {"KAGGLE_API_TOKEN": "KGAT_test"}
NAME_AND_KEY = {"KAGGLE_USERNAME": "somebody", "KAGGLE_KEY": "secret-key"}
BASIC = "c29tZWJvZHk6c2VjcmV0LWtleQ=="  # name and key as HTTP sends them


@pytest.mark.parametrize("status", [200, 401, 404, 500])
@pytest.mark.parametrize(
    ("given", "sent", "secrets"),
    [
        (TOKEN, "Bearer KGAT_test", ["KGAT_test"]),
        (NAME_AND_KEY, f"Basic {BASIC}", ["secret-key", BASIC.rstrip("=")]),
    ],
    ids=["token", "name and key"],
)
def test_credentials_are_in_no_line_and_no_file(
    given, sent, secrets, status, stub, tmp_path, monkeypatch, caplog, capfd
):
    """DVC and Prefect see the lines and the files of a stage, and nothing else of it."""
    from maskopt.errors import MaskoptError
    from maskopt.params import load_params
    from maskopt.stages import fetch

    stub.status = status
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    changes = {"source": "kaggle", "kaggle_dataset": DATASET, "classes": ("cat", "dog")}
    monkeypatch.chdir(tmp_path)
    said = ""
    with caplog.at_level(logging.DEBUG):
        try:
            fetch.main(params.model_copy(update={"data": params.data.model_copy(update=changes)}))
        except MaskoptError as err:
            said = str(err)
    assert bool(said) == (status != 200)
    assert stub.requests[0][2] == sent
    out, errors = capfd.readouterr()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    lines = [text.encode() for text in (said, caplog.text, out, errors)]
    assert not [text for text in lines + files for secret in secrets if secret.encode() in text]
