"""How large files and functions of the product are: reported by continuous integration, not enforced.

A file is split when it has two subjects, not two hundred lines.
"""

import ast
from pathlib import Path
from statistics import median, quantiles

PROJECT_DIR = Path(__file__).resolve().parent.parent


def report() -> str:
    files: list[tuple[int, str]] = []
    functions: list[tuple[int, str]] = []
    for path in (PROJECT_DIR / "oms").rglob("*.py"):
        text = path.read_text()
        name = str(path.relative_to(PROJECT_DIR))
        files.append((text.count("\n"), name))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                functions.append((lines, f"{name}:{node.lineno} {node.name}"))
    file_lines, function_lines = [lines for lines, _ in files], [lines for lines, _ in functions]
    return (
        f"{len(files)} files: median {median(file_lines):.0f} lines, longest {max(files)[0]} ({max(files)[1]})\n"
        f"{len(functions)} functions: p90 {quantiles(function_lines, n=10)[-1]:.0f} lines, "
        f"longest {max(functions)[0]} ({max(functions)[1]})"
    )


if __name__ == "__main__":
    print(report())
