"""Words that this project does not use in what a user reads, and the ones that it uses instead: test/words.txt.

Looks at the strings of Python and TypeScript (docstrings and comments, too), at YAML, at shell scripts and at the documentation.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Tests speak to developers; a changelog and a list of former names quote them.
LEFT_OUT = re.compile(r"^(test/|package-lock|LICENSE|docs/how-to/upgrade\.md|CHANGELOG\.md)")
STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|//[^\n]*|/\*.*?\*/", re.DOTALL)


def words() -> list[tuple[re.Pattern[str], str]]:
    """Each pattern with the words to use instead."""
    lines = (ROOT / "test/words.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), instead) for pattern, instead in pairs]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a file with their lines: what is in quotes or a comment; of YAML, shell and Markdown, all of it."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(content).readline):
            if token.type in (tokenize.STRING, tokenize.COMMENT):
                yield token.start[0], re.sub(r"\{[^{}]*\}", "{}", token.string)
    elif path.suffix in (".ts", ".js"):
        for found in STRING.finditer(content):
            yield content[: found.start()].count("\n") + 1, re.sub(r"\$\{[^{}]*\}", "{}", found.group(0))
    else:
        # Code in a page is another language's.
        plain = re.sub(r"`[^`\n]*`", "``", content) if path.suffix == ".md" else content
        yield from enumerate(plain.splitlines(), 1)


def findings() -> Iterator[str]:
    """One line per word that is found."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.ts", "*.js", "*.yml", "*.sh", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if LEFT_OUT.search(name):
            continue
        for line, text in texts(ROOT / name):
            for pattern, instead in words():
                for found in pattern.finditer(text):
                    yield f"{name}:{line + text[: found.start()].count(chr(10))}: {found.group(0)!r}: use {instead}"


if __name__ == "__main__":
    lines = list(findings())
    print("\n".join(lines), end="\n" if lines else "")
    sys.exit(1 if lines else 0)
