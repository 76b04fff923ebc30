"""Mutants of a source text, Python or Cython: one token or one statement each is another one.

Comparisons move their bound or turn round, arithmetic and logic turn round, numbers grow by one, absolute values and
`not` go, statements go. Texts stay as they are: how a message is worded is not what is tested.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass

OTHERS = {
    "<=": "<", "<": "<=", ">=": ">", ">": ">=", "==": "!=", "!=": "==", "+": "-", "-": "+", "*": "/", "/": "*",
    "|": "&", "|=": "&=", "+=": "-=", "-=": "+=", "and": "or", "or": "and", "not": "", "in": "not in", "is": "is not",
    "True": "False", "False": "True", "min": "max", "max": "min", "fabs": "", "abs": "", "continue": "break",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A source with one change."""

    line: int
    """From 1."""
    was: str
    """The line, without blanks around it."""
    change: str
    source: str


def mutants(source: str, spared: Collection[int] = ()) -> Iterator[Mutant]:
    """All mutants of a Python or Cython text but of the lines `spared`; some of them may not compile."""
    yield from _of_tokens(source, spared)
    yield from _of_statements(source, spared)


def annotations(source: str) -> set[tuple[int, int]]:
    """(line, column) of all that only tells types in a Python text; nobody evaluates it."""
    places = set()
    for node in ast.walk(ast.parse(source)):
        for note in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(note, ast.expr):
                places |= {(inner.lineno, inner.col_offset) for inner in ast.walk(note) if isinstance(inner, ast.expr)}
                places |= {(note.lineno, column) for column in range(note.col_offset, note.end_col_offset or 0)}
    return places


def _of_tokens(source: str, spared: Collection[int]) -> Iterator[Mutant]:
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.start[0] in spared:
            continue
        if token.type == tokenize.NUMBER:
            number = ast.literal_eval(token.string)
            other = repr(number + 1)
        elif token.type in (tokenize.OP, tokenize.NAME) and token.string in OTHERS:
            other = OTHERS[token.string]
        else:
            continue
        row, column = token.start
        line = lines[row - 1]
        changed = [*lines[: row - 1], line[:column] + other + line[token.end[1] :], *lines[row:]]
        yield Mutant(row, line.strip(), f"{token.string} -> {other or 'nothing'}, column {column}", "".join(changed))


def _of_statements(source: str, spared: Collection[int]) -> Iterator[Mutant]:
    """Without one statement that assigns, calls, raises or returns; on one line or, in brackets, on more."""
    lines = source.splitlines(keepends=True)
    first: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT):
            continue
        first = first or token
        if token.type != tokenize.NEWLINE:
            continue
        (row, column), last, word = first.start, token.end[0], first.string
        text = "".join(lines[row - 1 : last]).strip()
        simple = first.type == tokenize.NAME and not text.endswith(":") and (
            word in ("return", "raise") or word not in KEYWORDS
        )  # fmt: skip
        if simple and column and row not in spared and ("=" in text or "(" in text or word in ("return", "raise")):
            changed = [*lines[: row - 1], f"{' ' * column}pass\n", *lines[last:]]
            yield Mutant(row, text.splitlines()[0].strip(), "removed", "".join(changed))
        first = None


KEYWORDS = {
    "if",
    "elif",
    "else",
    "for",
    "while",
    "with",
    "def",
    "class",
    "cdef",
    "from",
    "import",
    "pass",
    "match",
    "case",
    "try",
}
