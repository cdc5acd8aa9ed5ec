"""Generates the code of the protos into the package when it is built."""

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    """What hatchling calls before it packs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        # Of the repository, or of a source distribution.
        above = root if (root / "proto").is_dir() else root / ".." / ".."
        build_data["force_include"][str(above / "LICENSE")] = "runlet/LICENSE"
        folder = root / "src" / "runlet" / "v1"
        shutil.rmtree(folder, ignore_errors=True)
        proto, out = above / "proto", root / "src"
        known = files("grpc_tools") / "_proto"
        command = ["protoc", f"--proto_path={proto}", f"--proto_path={known}"]
        command += [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
        command += [str(file) for file in sorted((proto / "runlet" / "v1").glob("*.proto"))]
        if protoc.main(command) != 0:
            raise RuntimeError("the code of the protos could not be generated")
        (folder / "__init__.py").write_text('"""Messages and stubs of `runlet.v1`."""\n')
