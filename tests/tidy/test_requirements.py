"""A fresh environment of the pinned runtime runs the whole package: the tools for tests bring nothing along that it needs."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==", re.MULTILINE)
# Every module but the commands' entry, which acts when it is imported, and what an extra of its own is for.
PROBE = """
import importlib, pkgutil, re, sys
from importlib.metadata import packages_distributions

pinned = {*sys.argv[1].split(","), "orderloom"}
alien = {
    name for name, makers in packages_distributions().items()
    if not pinned.intersection(re.sub("[-_.]+", "-", maker).lower() for maker in makers)
}

class Refuse:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in alien:
            raise ModuleNotFoundError(f"{name} is not among the runtime's requirements", name=name)

sys.meta_path.insert(0, Refuse)
import orderloom
for module in pkgutil.walk_packages(orderloom.__path__, "orderloom."):
    if not module.name.endswith(("__main__", "migrations.env", "gateways.stripe")):
        importlib.import_module(module.name)
print(len(alien))
"""


def test_every_module_imports_with_what_is_pinned_for_the_runtime():
    pinned = PINNED.findall((ROOT / "requirements/runtime.txt").read_text())
    done = subprocess.run([sys.executable, "-c", PROBE, ",".join(pinned)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 20, "the tools for tests were not told apart"
