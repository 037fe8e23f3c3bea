#!/usr/bin/env python3
"""Lets PyPI's CUDA build of PyTorch be imported on a machine without CUDA, without the gigabytes of nvidia-* wheels.

    pip install --no-deps torch==2.15.0
    python make_torch_cpu_stubs.py          # once, with the same Python; needs gcc and readelf

Writes stub libraries beside PyTorch's own, where the loader looks first. Every entry point returns 100
(cudaErrorNoDevice), so that torch.cuda.is_available() is False.
"""

import collections
import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path

CUDA = re.compile(
    r"cuda|cublas|cudnn|cufft|cusparse|cusolver|curand|nvrtc|nvJitLink|nccl|nvshmem|cufile|cupti|nvToolsExt"
)
# Version tags of symbols that are not CUDA's.
SYSTEM = re.compile(r"^(GLIBC|GCC|GLIBCXX|CXXABI|OMP|GOMP|GFORTRAN|LIBGOMP)", re.IGNORECASE)
CUDA_NAME = re.compile(r"^(__)?(cu|nv|nccl|CU|NV)")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def read_symbols(libraries):
    """Libraries needed; for each undefined strong symbol its version tags; names of the defined ones."""
    needed, defined, undefined = set(), set(), collections.defaultdict(set)
    for library in libraries:
        needed.update(re.findall(r"NEEDED.*\[(.+?)\]", output_of("readelf", "-d", library)))
        for line in output_of("readelf", "-W", "--dyn-syms", library).splitlines():
            fields = line.split()
            if len(fields) < 8 or not fields[0].endswith(":"):
                continue
            name, _, version = fields[7].partition("@")
            if fields[6] != "UND":
                defined.add(name)
            elif fields[4] != "WEAK" and fields[7]:
                undefined[name].add(version.lstrip("@"))
    return needed, defined, undefined


def read_wanted_versions(libraries, missing):
    """For each missing library the version tags that are asked of it."""
    wanted = collections.defaultdict(set)
    for library in libraries:
        current = None
        for line in output_of("readelf", "-W", "-V", library).splitlines():
            if file := re.search(r"File: (\S+)", line):
                current = file[1]
            tag = re.search(r"Name: (\S+)\s+Flags", line)
            if tag and current in missing:
                wanted[current].add(tag[1])
    return wanted


def by_version(undefined, defined):
    """Undefined symbols that are not the system's, by their version tag."""
    groups = collections.defaultdict(list)
    for name, versions in undefined.items():
        version = re.sub(r"\s.*", "", sorted(versions)[0])
        plain_cpp = name.startswith("_Z") and not version
        if name not in defined and not SYSTEM.match(version) and not plain_cpp:
            groups[version].append(name)
    return groups


def version_script(versions, symbols):
    """The linker's version script; the first version takes everything that has none."""
    lines = []
    for version in versions:
        names = [f"{name};" for name in symbols.get(version, [])] + (["*;"] if version == versions[0] else [])
        lines.append(f"{version} {{ {'global: ' + ' '.join(names) if names else ''} }};")
    return "\n".join(lines) + "\n"


def build(stub, symbols, versions):
    names = sorted({name for group in symbols.values() for name in group})
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stub.c"), Path(folder, "versions.map")
        source.write_text("\n".join(f"long {name}(void){{return 100;}}" for name in names) + "\n")
        command = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-fno-builtin", f"-Wl,-soname,{stub.name}"]
        if versions:
            script.write_text(version_script(sorted(versions), symbols))
            command.append(f"-Wl,--version-script={script}")
        subprocess.run([*command, "-o", str(stub), str(source)], check=True)
    return len(names)


def main():
    folder = Path(sysconfig.get_paths()["purelib"], "torch", "lib")
    libraries = sorted(folder.glob("lib*.so*"))
    needed, defined, undefined = read_symbols(libraries)
    have = {library.name for library in libraries}
    missing = sorted(name for name in needed if name not in have and CUDA.search(name))
    wanted = read_wanted_versions(libraries, missing)
    owner = {version: library for library, versions in wanted.items() for version in versions}
    runtime = next((name for name in missing if "cudart" in name), None)
    symbols = collections.defaultdict(lambda: collections.defaultdict(list))
    for version, names in by_version(undefined, defined).items():
        library = owner.get(version, runtime)
        for name in filter(CUDA_NAME.match, names):
            symbols[library][version if version in owner else ""].append(name)
    total = sum(build(folder / name, symbols[name], wanted[name]) for name in missing)
    print(f"{total} stubs in {len(missing)} libraries")


if __name__ == "__main__":
    main()
