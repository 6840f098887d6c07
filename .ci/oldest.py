"""Constraints for pip: of every requirement of these extras the oldest version that pyproject.toml allows.

python .ci/oldest.py lab plot > oldest.txt && pip install -e '.[lab,plot]' -c oldest.txt
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def oldest(requirements: list[str]) -> Iterator[str]:
    """`name==version` of each, through extras that name others of ours."""
    for requirement in requirements:
        if own := re.match(r"tinygrad_init\[([\w,]+)\]", requirement):
            for extra in own[1].split(","):
                yield from oldest(project["optional-dependencies"][extra])
        elif bound := re.match(r"([\w.-]+)>=([\w.]+)$", requirement):
            yield f"{bound[1]}=={bound[2]}"
        else:
            raise SystemExit(f".ci/oldest.py: {requirement}: expected NAME>=VERSION")


extras = [requirement for extra in sys.argv[1:] for requirement in project["optional-dependencies"][extra]]
print("\n".join(dict.fromkeys(oldest([*project["dependencies"], *extras]))))
