"""Write docs/reference/contract.md from the source of the types that plugins use: `make docs`.

Reads the source only, by its syntax tree: attribute docstrings are not there at run time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core/govor"
PAGE = ROOT / "docs/reference/contract.md"
SECTIONS = {
    "The version of the contract": "contract/versions.py",
    "Models": "contract/models.py",
    "Recognition": "contract/audio.py contract/recognizers.py contract/streaming.py contract/backends.py",
    "Results": "contract/results.py",
    "Speakers": "contract/diarization.py",
    "Workers": "contract/workers.py contract/machine/loading.py",
    "The running server": "contract/server.py",
    "Formats": "contract/texts/formats.py",
    "Texts": "contract/texts/processing.py",
    "Devices and cores": "contract/machine/devices.py contract/machine/cores.py",
    "Errors": "errors/tree.py errors/models.py errors/requests.py errors/server.py",
    "Tests of plugins": "testing/conformance.py testing/subject.py testing/fakes.py "
    "testing/fake_streams.py testing/speakers.py testing/sound.py",
}
BASES = {"RequestError", "BackendSubject"}
"""Classes that plugins do not import, and from which those that they import are derived."""

CONTRACT, PARTLY = "contract/", "contract/versions.py"
"""Of these modules, except one, every class and method is described; of others, names to import that have a
docstring."""

HEAD = """# The contract with plugins

Every class, function and constant that a plugin may import from `govor`, and in tests from `govor.testing`,
with its fields. `make docs` writes this page from the docstrings in `core/govor`, and a test fails if the two
differ. [Hooks](hooks.md) has the functions that a plugin implements, [the
tutorial](../tutorials/write-a-backend.md) a first package.

`None` means: unknown. A protocol is not inherited: any object with these attributes and methods fits.
"""


@dataclass(frozen=True)
class Field:
    """An attribute of a class."""

    name: str
    type: str
    default: str
    meaning: str


class Source:
    """One module: its text, for comments behind members, and its tree."""

    def __init__(self, path: Path):
        self.text = path.read_text(encoding="utf-8")
        self.body = ast.parse(self.text).body

    def text_of(self, node: ast.AST) -> str:
        """Return an expression as it is written."""
        return ast.get_source_segment(self.text, node) or ""

    def documented(self, body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
        """Yield each statement with the docstring that follows it, or the comment behind it."""
        for statement, after in zip(body, [*body[1:], None], strict=True):
            yield statement, _text(after) or self._comment(statement)

    def _comment(self, statement: ast.stmt) -> str:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or not statement.end_lineno:
            return ""
        behind = (
            self.text.splitlines()[statement.end_lineno - 1].encode()[statement.end_col_offset :].decode()
        )
        return behind.partition("#")[2].strip()


def _text(statement: ast.stmt | None) -> str:
    """Return the text of a statement that is only a string; "" otherwise."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return cleandoc(statement.value.value) if isinstance(statement.value.value, str) else ""
    return ""


def public_names(module: str) -> set[str]:
    """Return `__all__` of a module."""
    for statement in Source(CORE / module).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return set(ast.literal_eval(statement.value))
    raise ValueError(f"{module} has no __all__")


def render() -> str:
    """Return the whole page."""
    public, testing = public_names("__init__.py"), public_names("testing/__init__.py")
    parts = [HEAD]
    for title, modules in SECTIONS.items():
        parts.append(f"## {title}\n")
        for module in modules.split():
            names = testing if module.startswith("testing/") else public
            parts += _module(
                Source(CORE / module), names, whole=module.startswith(CONTRACT) and module != PARTLY
            )
    return "\n".join(parts)


def _module(source: Source, public: set[str], *, whole: bool) -> Iterator[str]:
    for statement, doc in source.documented(source.body):
        match statement:
            case ast.ClassDef(name=name) if name in public | BASES or (whole and not name.startswith("_")):
                yield _class(source, statement, known=name in public, whole=whole)
            case ast.FunctionDef(name=name) if name in public:
                yield _entry(name, _signature(statement), ast.get_docstring(statement) or "")
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in public:
                yield _entry(name, f"{name} = {_short(source, value)}", doc)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in public:
                yield _entry(name, f"{name} = {_short(source, value)}", doc)


def _entry(name: str, code: str, doc: str) -> str:
    return f"### {name}\n\n```py\n{code}\n```\n" + (f"\n{doc}\n" if doc else "")


def _class(source: Source, node: ast.ClassDef, *, known: bool, whole: bool) -> str:
    fields = list(_fields(source, node))
    parts = [f"### {node.name}\n", f"{_kind(node, known=known)}\n", f"{ast.get_docstring(node) or ''}\n"]
    if fields:
        enum = any(ast.unparse(base) == "StrEnum" for base in node.bases)
        parts.append(_members(fields) if enum else _table(fields))
    parts += _methods(node, whole=whole)
    return "\n".join(part for part in parts if part.strip())


def _kind(node: ast.ClassDef, *, known: bool) -> str:
    bases = [ast.unparse(base) for base in node.bases if ast.unparse(base) != "Protocol"]
    frozen = any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list)
    protocol = len(bases) < len(node.bases)
    kind = "Protocol" if protocol else "Frozen dataclass" if frozen else "Class"
    derived = f", derived from `{'`, `'.join(bases)}`" if bases else ""
    return f"*{kind}{derived}{'' if known else '; not a name to import'}.*"


def _fields(source: Source, node: ast.ClassDef) -> Iterator[Field]:
    for statement, doc in source.documented(node.body):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                default = "required" if value is None else f"`{_short(source, value)}`"
                if value is None and "Protocol" in map(ast.unparse, node.bases):
                    default = ""
                yield Field(name, ast.unparse(annotation), default, doc)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith("_"):
                yield Field(name, "", f"`{_short(source, value)}`", doc)
            case ast.FunctionDef(name=name, returns=ast.expr() as returns) if _is_property(statement):
                yield Field(name, ast.unparse(returns), "property", ast.get_docstring(statement) or "")


def _table(fields: list[Field]) -> str:
    rows = ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
    for field in fields:
        cells = (f"`{field.name}`", f"`{field.type}`" if field.type else "", field.default, field.meaning)
        rows.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _members(fields: list[Field]) -> str:
    rows = ["| Member | Value | Meaning |", "|---|---|---|"]
    rows += [f"| `{field.name}` | {field.default} | {_cell(field.meaning)} |" for field in fields]
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _methods(node: ast.ClassDef, *, whole: bool) -> Iterator[str]:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and _is_for_authors(statement):
            doc = ast.get_docstring(statement)
            if whole or doc or statement.name == "__init__":
                yield _entry("", _signature(statement), doc or "").removeprefix("### \n\n")


def _is_for_authors(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a method is no property, no fixture, no test and not private."""
    decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
    if "property" in decorators or "fixture" in decorators:
        return False
    return not node.name.startswith(("_", "test_", "pytest_")) or node.name in ("__init__", "__aiter__")


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator) == "property" for decorator in node.decorator_list)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
    return f"{word} {node.name}({arguments}){returns}"


def _short(source: Source, value: ast.expr) -> str:
    """Return an expression as the source has it; a long one without what is in its brackets."""
    text = source.text_of(value)
    return text if len(text) <= 90 else f"{text.partition('(')[0]}(…)"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
