"""Builds the C kernels and compiles the engine; everything else about the package is in pyproject.toml."""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError
from setuptools.modified import newer_group

HERE = Path(__file__).parent
os.chdir(HERE)

PACKAGE = Path("tinygrad_init")
CSRC = sorted(str(path) for path in Path("csrc").glob("*.c") if not path.name.startswith("test_"))
# What Cython compiles: the bindings of the kernels, and the files of Python beside which a .pxd gives their types in C.
CYTHON = [
    PACKAGE / "kernels" / "compiled.pyx",
    *(path.with_suffix(".py") for room in ("engine", "programs") for path in sorted((PACKAGE / room).glob("*.pxd"))),
]
# What all of them are compiled anew for.
COMMON = ["setup.py", *sorted(str(path) for path in Path("csrc").glob("*.h"))]
TYPES = sorted(str(path) for ending in ("pxd", "pxi") for path in PACKAGE.glob(f"*/*.{ending}"))

# -fno-math-errno lets sqrt be an instruction and -fno-trapping-math lets both sides of ?: be computed at once; neither
# gives up NaN, infinities or the order of operations.
FLAGS = ["-std=gnu11", "-g0", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
# How to unwind the stack from anywhere is asked for by debuggers and by C++'s exceptions, of which there are none.
FLAGS += ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"] if sys.platform == "linux" else []
# How many threads large products run on is asked of OpenMP. Apple's compiler comes without it, and on Windows it would
# be one more library to ship: there OMP_NUM_THREADS alone is asked (csrc/threads.c).
OPENMP = [] if sys.platform in ("darwin", "win32") else ["-fopenmp"]
KERNELS = ["-O3", *OPENMP]
# On Windows the stack is aligned for 16 bytes, but GCC moves whole vectors to and from it as if it were for 64 (its bug
# 54412): the assembler is to take moves that do not ask for it. Nothing of MinGW's is needed where the library runs.
UNALIGNED = ["-Wa,-muse-unaligned-vector-move"]
# The symbol table is for debuggers.
LINKED = {"linux": [*OPENMP, "-Wl,--strip-all"], "win32": ["-static"]}.get(sys.platform, [])
# Loops over numbers are all in csrc/. What Cython writes is no shorter with -O3, and with -O1 a tenth longer.
GLUE = ["-O2"]
# These passes of GCC's -O2 take a sixth of the time to compile it, and gain nothing: what it does is mostly calls.
GAINLESS = (
    "gcse rerun-cse-after-loop code-hoisting schedule-insns2 tree-pre tree-vrp tree-loop-vectorize tree-slp-vectorize"
)

EXTENSION = Extension(
    "tinygrad_init.kernels.compiled",  # one library with all modules in it: see kernels/backend.py
    [*(path.as_posix() for path in CYTHON), *CSRC],
    include_dirs=["csrc", np.get_include()],
    depends=[*COMMON, *TYPES],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    extra_compile_args=FLAGS,
    extra_link_args=LINKED,
)
# Functions and methods say what they take; the methods of the engine's classes are not "binding" (see `_interpreted`).
DIRECTIVES = {"embedsignature": True, "embedsignature.format": "clinic", "binding": True}

# The same kernels and machine as a WebAssembly module with 128-bit vectors, for programs in browsers: built where clang
# and wasm-ld are, left out elsewhere. Loops that are not unrolled are as fast there and a fifth shorter.
WASM_SOURCES = [
    *(path for path in CSRC if Path(path).stem not in ("dispatch", "isa_avx2", "isa_avx512", "memory", "threads")),
    "csrc/wasm/machine.c",
]
WASM_FLAGS = [
    "--target=wasm32", "-msimd128", "-mbulk-memory", "-mnontrapping-fptoint", "-std=gnu11", "-O2", "-fno-unroll-loops",
    "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fvisibility=hidden", "-nostdlibinc",
    "-Icsrc/wasm/include", "-Wno-pass-failed", "-Wno-unknown-pragmas",
]  # fmt: skip

HELP = """
tinygrad_init: the C extension could not be built ({error}).
It needs a C11 compiler, GCC or Clang, and Python's headers (Debian: apt-get install gcc python3-dev; macOS:
xcode-select --install; Windows: MinGW-w64's gcc on the PATH). To install without it, slower, on NumPy alone:
    TINYGRAD_INIT_NO_EXTENSION=1 pip install .
and run with TINYGRAD_INIT_BACKEND=reference.
"""


def is_gcc(compiler: str) -> bool:
    """Whether it is GCC: others take flags of its passes for errors."""
    try:
        told = subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return False
    return "Free Software Foundation" in told


def build_wasm(to: Path) -> None:
    """Write machine.wasm, unless it is newer than its sources or there is nothing to build it with."""
    headers = [str(path) for path in Path("csrc/wasm").rglob("*.h")]
    if os.environ.get("TINYGRAD_INIT_NO_WASM") == "1":
        return
    if not (shutil.which("clang") and shutil.which("wasm-ld")) or not newer_group(
        [*WASM_SOURCES, *COMMON, *headers], str(to)
    ):
        return
    with tempfile.TemporaryDirectory() as folder:
        objects = [f"{folder}/{Path(source).stem}.o" for source in WASM_SOURCES]
        commands = [["clang", *WASM_FLAGS, "-c", a, "-o", b] for a, b in zip(WASM_SOURCES, objects, strict=True)]
        try:
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                list(threads.map(lambda command: subprocess.run(command, check=True), commands))
            link = ["wasm-ld", "--no-entry", "--strip-all", "-z", "stack-size=262144", *objects, "-o", str(to)]
            subprocess.run(link, check=True)
        except subprocess.CalledProcessError as error:  # a clang that knows no WebAssembly
            print(f"tinygrad_init: machine.wasm is left out: {error}", file=sys.stderr)


class BuildExtension(build_ext):
    """Building, on all processors, what has changed, with an error that says what is needed."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if sys.platform == "win32" and self.compiler is None:
            self.compiler = "mingw32"  # kernels are written in the vectors of GCC and Clang, which MSVC does not have

    def run(self) -> None:
        for extension in self.extensions:
            modules = [Extension(".".join(path.with_suffix("").parts), [path.as_posix()]) for path in CYTHON]
            translated = cythonize(
                modules, build_dir="build/cython", language_level=3, compiler_directives=DIRECTIVES, force=self.force
            )
            extension.sources = [*(source for module in translated for source in module.sources), *CSRC]
        try:
            super().run()
        except (CCompilerError, ExecError, PlatformError) as error:
            raise SystemExit(HELP.format(error=error)) from error
        build_wasm(Path(self.get_ext_fullpath(EXTENSION.name)).with_name("machine.wasm"))

    def build_extensions(self) -> None:
        compile_all = self.compiler.compile
        unix = getattr(self.compiler, "compiler_so", None)
        gcc = unix and is_gcc(unix[0])
        glue = [*GLUE, *(f"-fno-{name}" for name in GAINLESS.split())] if gcc else GLUE
        kernels = [*KERNELS, *UNALIGNED] if gcc and sys.platform == "win32" else KERNELS

        def compile_changed(sources: list[str], **options: Any) -> list[str]:
            flags = options.pop("extra_postargs")

            def compile_one(source: str) -> str:
                (made,) = self.compiler.object_filenames([source], output_dir=options["output_dir"])
                if self.force or newer_group([source, *COMMON], made):
                    own = kernels if source in CSRC else glue
                    compile_all([source], extra_postargs=[*flags, *own], **options)
                return made

            with ThreadPoolExecutor(os.cpu_count()) as threads:
                return list(threads.map(compile_one, sources))

        self.compiler.compile = compile_changed
        super().build_extensions()


without = os.environ.get("TINYGRAD_INIT_NO_EXTENSION") == "1"
setup(ext_modules=[] if without else [EXTENSION], cmdclass={"build_ext": BuildExtension})
