"""Builds the C kernels and compiles the engine; everything else about the package is in pyproject.toml."""

import os
import sys
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

HERE = Path(__file__).parent
os.chdir(HERE)

CSRC = sorted(str(path) for path in Path("csrc").glob("*.c") if not path.name.startswith("test_"))
HEADERS = sorted(str(path) for path in Path("csrc").glob("*.h"))
# -fno-math-errno lets sqrt be an instruction and -fno-trapping-math lets both sides of ?: be computed at once; neither
# gives up NaN, infinities or the order of operations.
FLAGS = ["-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
# Large products run on several threads. Apple's compiler comes without OpenMP: there they run on one.
OPENMP = [] if sys.platform == "darwin" else ["-fopenmp"]
NUMPY = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]

EXTENSIONS = [
    Extension(
        "tinygrad_init.kernels.compiled",
        ["tinygrad_init/kernels/compiled.pyx", *CSRC],
        include_dirs=["csrc", np.get_include()],
        depends=HEADERS,
        define_macros=NUMPY,
        extra_compile_args=FLAGS + OPENMP,
        extra_link_args=OPENMP,
    ),
    *(
        Extension(
            ".".join(path.with_suffix("").parts),
            [str(path.with_suffix(".py"))],
            include_dirs=["csrc", np.get_include()],
            define_macros=NUMPY,
            extra_compile_args=FLAGS,
        )
        for room in ("engine", "programs")
        for path in sorted(Path("tinygrad_init", room).glob("*.pxd"))
    ),
]

HELP = """
tinygrad_init: the C extension could not be built ({error}).
It needs a C11 compiler, GCC or Clang, and Python's headers (Debian: apt-get install gcc python3-dev; macOS:
xcode-select --install). To install without it, slower, on NumPy alone:
    TINYGRAD_INIT_NO_EXTENSION=1 pip install .
and run with TINYGRAD_INIT_BACKEND=reference.
"""


class BuildExtension(build_ext):
    """Building, on all processors, with an error that says what is needed."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        try:
            super().run()
        except (CCompilerError, ExecError, PlatformError) as error:
            raise SystemExit(HELP.format(error=error)) from error


# Functions and methods say what they take; the methods of the engine's classes are not "binding" (see `_interpreted`).
DIRECTIVES = {"embedsignature": True, "embedsignature.format": "clinic", "binding": True}

without = os.environ.get("TINYGRAD_INIT_NO_EXTENSION") == "1"
setup(
    ext_modules=[] if without else cythonize(EXTENSIONS, language_level=3, compiler_directives=DIRECTIVES),
    cmdclass={"build_ext": BuildExtension},
)
