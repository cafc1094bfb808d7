"""House rules for everything that is tracked: no registry, no machine, nobody else's files; a changelog one can read."""

from __future__ import annotations

import re
from pathlib import PurePath

# Put together here so that this file does not break the rule it states.
REGISTRY = re.compile(
    "|".join(
        [
            '"resol' + 'ved"' + r'\s*:\s*"https?:',
            "index" + "-url",
            r"^\s*@?[\w:.-]*regis" + r"try\s*=\s*[\"']?https?:",
            r"source = \{ regis" + "try",
        ]
    ),
    re.MULTILINE,
)
LOCKS = re.compile(r"(^|/)(package-lock\.json|.*\.lock|requirements/.*\.txt)$")
MACHINE = re.compile(r"(?<![\w.~$}*])/(work/(?:main|shared)|root|home/[a-z]\w*|Users/[A-Za-z]\w*)/")
VENDORED = re.compile(
    r"(/vendor/|\.min\.(js|css)$|\.map$|\.(woff2?|ttf|otf|eot)$|(^|/)node_modules/|topo(json)?\.json$)"
)
LICENSED = re.compile(r"@license|Copyright \(c\)|SPDX-License", re.IGNORECASE)
SECTIONS = ("Migrations", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def registries(path: PurePath, text: str) -> list[str]:
    """A reader's index may be another than ours."""
    faults = ["names a package registry"] if REGISTRY.search(text) else []
    if LOCKS.search(path.as_posix()) and re.search(r"https?://", text):
        faults.append("a lock file holds an address")
    return faults


def machine_paths(text: str) -> list[str]:
    """A path of somebody's machine is nobody else's."""
    return [f"holds a path of one machine: {found.group()}" for found in MACHINE.finditer(text)]


def vendored(path: PurePath, text: str) -> list[str]:
    """Code and assets of others come from their registry at build time."""
    faults = ["belongs to others: take it from its package"] if VENDORED.search(path.as_posix()) else []
    if path.suffix in {".js", ".css", ".svg"} and LICENSED.search(text[:2000]):
        faults.append("bears somebody's licence: take it from its package")
    return faults


def changelog(text: str) -> list[str]:
    """Keep a Changelog, with what a migration does before all else."""
    if not text.startswith("# Changelog\n"):
        return ['does not begin with "# Changelog"']
    releases = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    if not releases or not releases[0].startswith("[Unreleased]\n"):
        return ['the first release is not "[Unreleased]"']
    faults = []
    for release in releases:
        title = release.split("\n", 1)[0]
        if title != "[Unreleased]" and not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", title):
            faults.append(f"{title!r} is not [x.y.z] - year-month-day")
        sections = re.findall(r"^### (.*)$", release, re.MULTILINE)
        if any(section not in SECTIONS for section in sections):
            faults.append(f"{title}: sections are {', '.join(SECTIONS)}")
        elif sections != sorted(set(sections), key=SECTIONS.index):
            faults.append(f"{title}: sections come once each, in the order {', '.join(SECTIONS)}")
    return faults
