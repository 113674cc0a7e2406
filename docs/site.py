"""Hooks of mkdocs: generate the reference, and add the files outside docs/ that its pages link to. `make site`.

Links in the pages are relative to the repository, so that they work without a build. The build translates them.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs import decision_index, generate, metrics, python_api, reference

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
MOVED = {"README.md": "index.md", "docs/README.md": "contents.md"}
"""The first page of the site is the README of the project."""
OUTSIDE = "repository/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the generated pages by new ones, and add the pages and files that links lead to."""
    texts = {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()} | generated()
    waiting = ["README.md", *texts]
    seen = set(waiting)
    while waiting:
        name = waiting.pop()
        if name.endswith(".md"):
            text = texts.get(name) or (ROOT / name).read_text()
            linked = {linked_path(name, link[1]) for link in re.findall(LINK, text)} - seen - {None}
            seen |= linked
            waiting += linked
            _put(files, File.generated(config, site_path(name), content=text))
        elif not name.startswith("docs/"):
            _put(files, File.generated(config, site_path(name), abs_src_path=str(ROOT / name)))
    files.remove(_at(files, "README.md"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Translate the links of a page."""
    name = repository_path(page.file.src_uri)

    def translated(link: re.Match[str]) -> str:
        text, target, anchor = link.groups()
        there = linked_path(name, target)
        if there is None:
            return text if (ROOT / posixpath.dirname(name) / target).is_dir() else link[0]
        relative = posixpath.relpath(site_path(there), posixpath.dirname(page.file.src_uri) or ".")
        return f"[{text}]({relative}{anchor or ''})"

    return LINK.sub(translated, LINK.sub(translated, markdown) if "[![" in markdown else markdown)


def generated() -> dict[str, str]:
    """Return the generated pages by their paths in the repository."""
    pages = {f"docs/operators/{name}": text for name, text in generate.pages().items()}
    pages |= {f"docs/reference/{name}": text for name, text in reference.pages().items()}
    return pages | {
        "docs/reference/metrics.md": metrics.page(),
        "docs/reference/python.md": python_api.page(),
        "docs/decisions/README.md": decision_index.page(),
    }


def linked_path(page: str, target: str) -> str | None:
    """Return the file in the repository that a link of a page leads to, or None if it does not lead to a file."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    if (ROOT / path).is_dir():
        path = posixpath.join(path, "README.md")
    return path if (ROOT / path).is_file() or path in GENERATED else None


def site_path(name: str) -> str:
    """Return the path on the site of a file in the repository."""
    return MOVED.get(name) or (name.removeprefix("docs/") if name.startswith("docs/") else OUTSIDE + name)


def repository_path(uri: str) -> str:
    """Return the path in the repository of a file on the site."""
    for name, moved in MOVED.items():
        if uri == moved:
            return name
    return uri.removeprefix(OUTSIDE) if uri.startswith(OUTSIDE) else f"docs/{uri}"


def _put(files: Files, file: File) -> None:
    if old := files.get_file_from_path(file.src_uri):
        files.remove(old)
    files.append(file)


def _at(files: Files, uri: str) -> File:
    file = files.get_file_from_path(uri)
    assert file  # noqa: S101  docs/README.md is always there
    return file


GENERATED = frozenset(generated())
