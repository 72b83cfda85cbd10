import io
import json
import zipfile
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import CorruptBundle, FeatureSchemaMismatch, InvalidInput
from models.archive import unpack_files
from models.bundle import (
    MANIFEST,
    SEAL,
    beside,
    code_version,
    pack,
    read_bundle,
    unpack,
    write_bundle,
)
from tests.models.examples import manifest
from training.config import ForestConfig

FILES = {"model.ubj": b"trees" * 1000, "network.safetensors": bytes(range(256))}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    return write_bundle(tmp_path / "bundle", manifest(), FILES)


def test_what_is_written_is_read(folder):
    """
    A bundle comes back as it was written, manifest and files.
    """
    bundle = read_bundle(folder)

    assert bundle.files == FILES
    assert bundle.manifest.features == ("a", "b")
    assert bundle.manifest.files["model.ubj"] == sha256(FILES["model.ubj"]).hexdigest()


def test_nothing_but_the_bundle_is_left(folder):
    """
    Writing leaves no temporary folder behind.
    """
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize("file", [*FILES, MANIFEST, SEAL])
@pytest.mark.parametrize("damage", ["missing", "truncated", "altered"])
def test_damage_is_noticed(folder, file, damage):
    """
    A missing, truncated or altered file makes the bundle unusable, whichever file it is.
    """
    path = folder / file
    body = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(body[:-3] if damage == "truncated" else b"X" + body[1:])

    with pytest.raises(CorruptBundle, match="Register it again"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "change",
    [{"surprise": 1}, {"schema": 99}, {"seed": "seven"}, {"files": {"../../etc/passwd": "00"}}],
)
def test_a_manifest_of_another_kind_is_refused(folder, change):
    """
    A sealed manifest with unknown fields, schema, types or paths outside is not trusted either.
    """
    body = json.dumps(json.loads((folder / MANIFEST).read_bytes()) | change).encode()
    (folder / MANIFEST).write_bytes(body)
    (folder / SEAL).write_text(sha256(body).hexdigest())

    with pytest.raises(CorruptBundle):
        read_bundle(folder)


def test_bundles_never_change(folder):
    """
    Writing or unpacking over a bundle is refused and leaves it whole.
    """
    with pytest.raises(InvalidInput):
        write_bundle(folder, manifest(), {"other": b""})
    with pytest.raises(InvalidInput):
        unpack(pack(folder), folder)

    assert read_bundle(folder).files == FILES


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "CON fig", MANIFEST, SEAL])
def test_odd_file_names_are_refused(tmp_path, name):
    """
    A bundle holds plain files with plain names.
    """
    with pytest.raises(InvalidInput):
        write_bundle(tmp_path / "bundle", manifest(), {name: b""})


def test_features_must_match_in_name_and_order(folder):
    """
    A predictor gets exactly the columns it was trained on, or an error that names the difference.
    """
    bundle = read_bundle(folder)

    bundle.check("build_optimizer", ("a", "b"))
    with pytest.raises(FeatureSchemaMismatch, match=r"missing features \['b'\].*\['c'\]"):
        bundle.check("build_optimizer", ("a", "c"))
    with pytest.raises(FeatureSchemaMismatch, match=r"a \(column 0\)"):
        bundle.check("build_optimizer", ("b", "a"))
    with pytest.raises(CorruptBundle, match="failure_predictor"):
        bundle.check("failure_predictor", ("a", "b"))


def test_a_bundle_travels(folder, tmp_path):
    """
    Packed and unpacked it is the same bundle, and packing is reproducible.
    """
    there = unpack(pack(folder), tmp_path / "there")

    assert read_bundle(there) == read_bundle(folder) or read_bundle(there).files == FILES
    assert read_bundle(there).seal == read_bundle(folder).seal
    assert pack(there) == pack(folder)


def test_a_bundle_of_many_projects_travels(tmp_path):
    """
    There is room for the forests of as many projects as get one, twice: shipped and scored.
    """
    forests = {f"forest-{i:05d}.npz": b"trees" for i in range(ForestConfig().own_forests)}
    folder = write_bundle(tmp_path / "b", manifest(), {**forests, **beside(manifest(), forests)})

    there = unpack(pack(folder), tmp_path / "there")

    assert read_bundle(there).scored().files == forests


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b", "a\\b", "Evil name"])
def test_an_archive_cannot_write_elsewhere(folder, tmp_path, name):
    """
    Paths in a hostile archive are refused and nothing is written.
    """
    hostile = io.BytesIO(pack(folder))
    with zipfile.ZipFile(hostile, "a") as archive:
        archive.writestr(name, b"evil")

    with pytest.raises(CorruptBundle):
        unpack(hostile.getvalue(), tmp_path / "in" / "bundle")

    assert not list(tmp_path.rglob("*evil*"))
    assert not list((tmp_path / "in").glob("*")) if (tmp_path / "in").exists() else True


def test_an_archive_that_explodes_is_refused():
    """
    The limit counts what comes out, not what the headers claim.
    """
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2_000_000))

    with pytest.raises(CorruptBundle, match="more than 1000000 bytes"):
        unpack_files(bomb.getvalue(), name="bomb", max_bytes=1_000_000)


def test_too_many_files_and_links_are_refused():
    """
    An archive of a thousand files, of one file twice, or with a link is none of ours.
    """
    many, link = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(1000):
            archive.writestr(f"file{number}", b"")
    with zipfile.ZipFile(link, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")

    for hostile in (many, link):
        with pytest.raises(CorruptBundle):
            unpack_files(hostile.getvalue(), name="hostile")


@given(st.data())
def test_a_damaged_archive_is_refused(tmp_path_factory, data):
    """
    Cut or altered anywhere, an archive gives the same bundle or an error, never another bundle.
    """
    tmp_path = tmp_path_factory.mktemp("damaged")
    packed = pack(write_bundle(tmp_path / "bundle", manifest(), {"model.ubj": b"trees"}))
    place = data.draw(st.integers(0, len(packed) - 1))
    byte = bytes([data.draw(st.integers(0, 255))])
    damaged = data.draw(
        st.sampled_from([packed[:place], packed[:place] + byte + packed[place + 1 :]])
    )

    try:
        there = unpack(damaged, tmp_path / "there")
    except CorruptBundle:
        return

    assert read_bundle(there).files == {"model.ubj": b"trees"}


def test_a_baseline_may_have_gaps(tmp_path):
    """
    A feature that was never known is NaN in the baseline row, through JSON and back.
    """
    folder = write_bundle(tmp_path / "b", manifest(baseline=(1.5, None)), {})

    np.testing.assert_array_equal(
        read_bundle(folder).manifest.baseline_row, np.array([1.5, np.nan], dtype=np.float32)
    )


def test_code_version_follows_the_sources(tmp_path):
    """
    Equal sources give an equal code version, different ones a different one.
    """
    (tmp_path / "feature.py").write_text("x = 1")
    before = code_version(tmp_path)
    same = code_version(tmp_path)
    (tmp_path / "feature.py").write_text("x = 2")

    assert before == same
    assert before != code_version(tmp_path)


def test_the_scored_model_lies_beside_the_shipped_one(tmp_path):
    """
    A bundle gives back the model that was scored, whole; without one it is that model itself.
    """
    shipped, scored = manifest(seed=1), manifest(seed=2)
    files = {"weights.bin": b"all", **beside(scored, {"weights.bin": b"older"})}
    bundle = read_bundle(write_bundle(tmp_path / "1", shipped, files))

    assert bundle.file("weights.bin") == b"all"
    assert bundle.scored().manifest.seed == 2
    assert bundle.scored().files == {"weights.bin": b"older"}
    assert bundle.scored().scored() == bundle.scored()


def test_a_damaged_scored_manifest_is_refused(tmp_path):
    """
    A scored manifest that is no manifest makes the bundle corrupt, not a crash.
    """
    files = {"scored-manifest.json": b"{}", "weights.bin": b"all"}
    bundle = read_bundle(write_bundle(tmp_path / "1", manifest(), files))

    with pytest.raises(CorruptBundle, match="scored-manifest"):
        bundle.scored()
