import io
import lzma
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from maskopt.data.archive import Limits, unpack
from maskopt.errors import BrokenArchive, MissingFile, UnsafeArchive

LIMITS = Limits()
SMALL = Limits(files=3, file_bytes=1000, total_bytes=2000, ratio=50, free_bytes=1500)
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def write_zip(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def write_tar(path, members, mode="w"):
    """Members are names and contents, or TarInfo objects without content."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(path, target, error, limits=LIMITS):
    with pytest.raises(error) as caught:
        unpack(path, target, limits)
    assert [entry.name for entry in target.parent.iterdir() if entry != path] in ([], [target.name])
    return str(caught.value)


FILES = [("cat/größe 漢字.png", b"one"), ("cat/2.png", b"two" * 500_000), ("dog/1.png", b"")]


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_whose_members_cannot_be_unpacked_bit_by_bit_is_refused(compression, tmp_path):
    path = write_zip(tmp_path / "a.zip", [("cat/0.png", bytes(10**7))], compression)
    message = refusal(path, tmp_path / "out", BrokenArchive)
    assert "'cat/0.png' is compressed in another way than zip's own, deflate. Get a whole zip or tar file" in message


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_is_unpacked(compression, tmp_path):
    unpack(write_zip(tmp_path / "a.zip", FILES, compression), tmp_path / "out", LIMITS)
    assert tree(tmp_path / "out") == dict(FILES)


@pytest.mark.parametrize("suffix", TAR_MODES)
def test_tar_is_unpacked(suffix, tmp_path):
    unpack(write_tar(tmp_path / f"a{suffix}", FILES, TAR_MODES[suffix]), tmp_path / "out", LIMITS)
    assert tree(tmp_path / "out") == dict(FILES)


def test_kind_is_told_by_content_and_not_by_name(tmp_path):
    unpack(write_tar(tmp_path / "a.zip", FILES, "w:gz"), tmp_path / "out", LIMITS)
    assert tree(tmp_path / "out") == dict(FILES)


def test_empty_folders_come_along_and_litter_of_macos_does_not(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("cat/", b""), ("dog/1.png", b"1"), ("__MACOSX/dog/._1.png", b"x")])
    unpack(path, tmp_path / "out", LIMITS)
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["cat", "dog"]


def test_backslashes_part_folders(tmp_path):
    unpack(write_zip(tmp_path / "a.zip", [("cat\\1.png", b"1")]), tmp_path / "out", LIMITS)
    assert tree(tmp_path / "out") == {"cat/1.png": b"1"}


def test_missing_archive_says_where_to_put_it(tmp_path):
    with pytest.raises(MissingFile) as caught:
        unpack(tmp_path / "a.zip", tmp_path / "out", LIMITS)
    assert str(caught.value) == (
        f"{tmp_path}/a.zip is missing: put the archive there, or set data.path in params.yaml to where it is"
    )


def test_broken_archive_says_what_to_do(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"hello")
    message = refusal(tmp_path / "a.zip", tmp_path / "out", BrokenArchive)
    assert message.startswith(f"{tmp_path}/a.zip cannot be unpacked: damaged, or neither zip nor tar (")
    assert message.endswith(
        "). Get a whole zip or tar file, "
        "or unpack it yourself and set data.source to folder and data.path to where it is"
    )


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\3\4" + bytes(50), b"\x1f\x8bnonsense", b"7z\xbc\xaf\x27\x1c" * 200]
)
def test_what_is_no_archive_is_refused(content, tmp_path):
    (tmp_path / "a").write_bytes(content)
    assert "neither zip nor tar" in refusal(tmp_path / "a", tmp_path / "out", BrokenArchive)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.9999])
@pytest.mark.parametrize("suffix", [".zip", *TAR_MODES])
def test_cut_off_archive_is_refused(suffix, share, tmp_path):
    path = tmp_path / f"a{suffix}"
    rng = np.random.default_rng(0)
    files = [(f"cat/{i}.png", rng.bytes(3000)) for i in range(20)]
    write_zip(path, files) if suffix == ".zip" else write_tar(path, files, TAR_MODES[suffix])
    # A plain tar file ends with 10 kB of zeros, of which the first 512 bytes are the end mark.
    whole = path.read_bytes().rstrip(b"\0") if suffix == ".tar" else path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "cannot be unpacked: damaged" in refusal(path, tmp_path / "out", BrokenArchive)


def test_tar_with_a_broken_header_within_is_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar", [(f"cat/{i}.png", b"x" * 512) for i in range(3)])
    content = bytearray(path.read_bytes())
    content[1024 : 1024 + 200] = b"\xff" * 200  # of the second member
    path.write_bytes(content)
    assert "damaged or cut off after 1,024 bytes" in refusal(path, tmp_path / "out", BrokenArchive)


def test_changed_bytes_in_a_zip_are_noticed(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("cat/1.png", b"x" * 5000)], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    assert "Bad CRC-32" in refusal(path, tmp_path / "out", BrokenArchive)


def test_zip_whose_list_leads_nowhere_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("cat/1.png", b"x" * 500)])
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\5\6") + 16  # where the list of members starts, says the end of the file
    content[start : start + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    assert "damaged, or neither zip nor tar" in refusal(path, tmp_path / "out", BrokenArchive)


def test_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("cat/1.png", b"secret")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1  # the flag, in the list of members
    path.write_bytes(content)
    assert "cannot be unpacked: 'cat/1.png' is encrypted" in refusal(path, tmp_path / "out", BrokenArchive)


@pytest.mark.parametrize(
    "name", ["../1.png", "cat/../../1.png", "/etc/1.png", "\\1.png", "..\\1.png", "C:\\1.png", "c:1"]
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_out_are_refused(name, kind, tmp_path):
    path = (write_zip if kind == "zip" else write_tar)(tmp_path / "a", [("cat/1.png", b"1"), (name, b"evil")])
    message = refusal(path, tmp_path / "out", UnsafeArchive)
    assert message == (
        f"{path} was not unpacked: {name!r} leads out of the folder. "
        "If you trust it, unpack it yourself and set data.source to folder and data.path to where it is"
    )


@pytest.mark.parametrize(
    "member",
    [
        special("cat/1.png", tarfile.SYMTYPE, "/etc/passwd"),
        special("cat/1.png", tarfile.LNKTYPE, "cat/0.png"),
        special("cat/1.png", tarfile.CHRTYPE),
        special("cat/1.png", tarfile.BLKTYPE),
        special("cat/1.png", tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(member, tmp_path):
    path = write_tar(tmp_path / "a.tar", [("cat/0.png", b"0"), member])
    assert "'cat/1.png' is a link or a device" in refusal(path, tmp_path / "out", UnsafeArchive)


def test_links_in_a_zip_are_refused(tmp_path):
    info = zipfile.ZipInfo("cat/1.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = write_zip(tmp_path / "a.zip", [(info, "/etc/passwd")])
    assert "'cat/1.png' is a link or a device" in refusal(path, tmp_path / "out", UnsafeArchive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.parametrize("second", ["cat/1.png", "cat//1.png", "cat/./1.png", "cat/1.png/2.png", "cat"])
def test_names_that_come_twice_are_refused(write, second, tmp_path):
    path = write(tmp_path / "a", [("cat/1.png", b"1"), (second, b"2")])
    assert f"{second!r} is there twice, or both a file and a folder" in refusal(path, tmp_path / "out", UnsafeArchive)


@pytest.mark.parametrize("name", ["cat/a\nb.png", "cat/" + "a" * 300, "a/" * 600 + "b"])
def test_names_that_no_file_should_have_are_refused(name, tmp_path):
    message = refusal(write_tar(tmp_path / "a.tar", [(name, b"1")]), tmp_path / "out", UnsafeArchive)
    assert "has letters that no file name should have" in message or "has too long a name" in message


def test_names_that_are_not_utf_8_are_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar", [("cat/\udcff.png", b"1")])
    assert r"'cat/\udcff.png' has letters" in refusal(path, tmp_path / "out", UnsafeArchive)


def test_too_many_files_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", [(f"{i}", b"") for i in range(4)])
    assert "'3' is one of more than 3 files" in refusal(path, tmp_path / "out", UnsafeArchive, SMALL)


def test_too_large_a_file_is_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar", [("1", bytes(1001))])
    assert "'1' unpacks to more than 1,000 bytes" in refusal(path, tmp_path / "out", UnsafeArchive, SMALL)


def test_too_many_bytes_in_all_are_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar", [("1", bytes(1000)), ("2", bytes(900)), ("3", bytes(101))])
    assert "'3' unpacks to more than 100 bytes" in refusal(path, tmp_path / "out", UnsafeArchive, SMALL)


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_bomb_is_refused(suffix, tmp_path):
    path, members = tmp_path / f"a{suffix}", [("1.png", bytes(40_000_000))]
    write_zip(path, members) if suffix == ".zip" else write_tar(path, members, TAR_MODES[suffix])
    limits = Limits(free_bytes=10**6)  # the ratio is 1000 and more
    assert "'1.png' unpacks to more than" in refusal(path, tmp_path / "out", UnsafeArchive, limits)


def test_xz_file_that_wants_much_memory_is_refused(tmp_path):
    path = tmp_path / "a.tar.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**28}]
    with lzma.open(path, "wb", filters=filters) as file, tarfile.open(fileobj=file, mode="w|") as archive:
        archive.addfile(tarfile.TarInfo("1.png"))
    assert "Memory usage limit exceeded" in refusal(path, tmp_path / "out", BrokenArchive)


def test_bomb_in_a_header_is_not_read_into_memory(tmp_path):
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 50_000_000
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    assert "a header" in refusal(path, tmp_path / "out", UnsafeArchive)


def test_folders_count_as_files_do(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("a/b/c/1.png", b"1")])
    message = refusal(path, tmp_path / "out", UnsafeArchive, SMALL)
    assert "'a/b/c/1.png' is one of more than 3 files and folders" in message
    unpack(path, tmp_path / "fits", Limits(files=4))


def test_headers_for_all_members_are_bounded_together(tmp_path):
    path = tmp_path / "a.tar"
    with path.open("wb") as file:
        for i in range(20):
            file.write(tarfile.TarInfo.create_pax_global_header({f"note{i}": "a" * 1000}))
            file.write(tarfile.TarInfo(f"{i}.png").tobuf())
        file.write(bytes(1024))
    message = refusal(path, tmp_path / "out", UnsafeArchive)
    assert "'a header' for all that follows has more than 16,384 bytes" in message


def test_header_of_many_digits_is_refused(tmp_path):
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 10_000
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(info, io.BytesIO(b"1" * info.size))
    assert "'a header' has a number longer than any name" in refusal(path, tmp_path / "out", UnsafeArchive)


def test_tar_whose_first_name_starts_as_a_zip_is_unpacked(tmp_path):
    path = write_tar(tmp_path / "a.tar", [("PK/1.png", b"1")])
    unpack(path, tmp_path / "out", LIMITS)
    assert tree(tmp_path / "out") == {"PK/1.png": b"1"}
