"""The layers of the package: core knows nothing above it, observe changes nothing, and what a module packs stays small."""

import ast

import pytest
from writers import PACKAGE, ROOT, kinds

HOMELAB = ROOT / "module_utils/homelab"
FILES = sorted(HOMELAB.rglob("*.py"))
# What a layer may import.
ALLOWED = {"core": {"core"}, "observe": {"core", "observe"}, "apply": {"core", "observe", "apply"}}


def layer_of(path):
    return path.relative_to(HOMELAB).parts[0]


def imported(path):
    """The layers that a file imports, whether relatively or by the package's name."""
    package = [*PACKAGE.split("."), *path.relative_to(HOMELAB).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            for alias in node.names:
                whole = [*base, *(node.module.split(".") if node.module else []), alias.name]
                if ".".join(whole).startswith(f"{PACKAGE}."):
                    yield whole[len(PACKAGE.split("."))]


@pytest.mark.parametrize("path", [path for path in FILES if path.parent != HOMELAB], ids=lambda path: str(path.relative_to(HOMELAB)))
def test_a_layer_imports_only_what_is_below_it(path):
    assert set(imported(path)) <= ALLOWED[layer_of(path)]


def test_the_layers_are_found():
    assert {layer_of(path) for path in FILES if path.parent != HOMELAB} == set(ALLOWED)


@pytest.mark.parametrize("path", sorted(HOMELAB.rglob("__init__.py")), ids=lambda path: str(path.parent.relative_to(HOMELAB)))
def test_a_package_is_no_more_than_its_docstring(path):
    """Ansible packs all that an `__init__.py` imports into every module."""
    body = ast.parse(path.read_text()).body
    assert [type(node) for node in body] == [ast.Expr]


def test_shared_code_names_no_kind():
    """But for the host, which is the base of all the others, and the records that a rollback restores."""
    names = {observer.kind for observer in kinds().values()} - {"host"}
    shared = [*(HOMELAB / "core").glob("*.py"), *(HOMELAB / "apply" / f"{one}.py" for one in ("module", "converge", "writer", "lock"))]
    shared += [HOMELAB / "observe/detection.py", HOMELAB / "observe/survey.py"]
    for path in shared:
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert (path.name, names & words) == (path.name, set())


@pytest.mark.parametrize("kind", kinds())
def test_each_kind_has_its_module_and_its_role(kind):
    assert (ROOT / f"library/{kind}.py").read_text().endswith("Writer())\n")
    assert (ROOT / f"roles/{kind}/tasks/main.yml").is_file()
