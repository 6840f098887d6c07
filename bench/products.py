"""Products of the C kernels beside those of BLAS libraries and the peak of the core, in turn within one C program.

    python -m bench.products [--isa avx2] [--threads 2] [--mkl PATH] [--openblas PATH]

MKL is what `pip install mkl` brings (`lib/libmkl_rt.so.*`), OpenBLAS what SciPy's wheels do; what is not found is left
out. Without PRODUCT arguments the sizes are squares and those of training networks of 784-512-512-10 (batch 128),
100-100 (batch 128) and 1024-1024 (batch 256): forward `x @ w.T`, backward `g @ w` and `g.T @ x`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import scipy

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-I", str(ROOT / "csrc")]
LAYERS = ((128, 784, 512), (128, 512, 512), (128, 512, 10), (128, 100, 100), (256, 1024, 1024))
SQUARES = (64, 128, 256, 512, 1024, 2048)


def products() -> list[str]:
    """`TYPE:M:N:K:LAYOUT` of what is measured by default."""
    found = [f"{kind}:{n}:{n}:{n}:nn" for kind in "fd" for n in SQUARES]
    for batch, fan_in, fan_out in LAYERS:
        found += [
            f"f:{batch}:{fan_out}:{fan_in}:nt",
            f"f:{batch}:{fan_in}:{fan_out}:nn",
            f"f:{fan_out}:{fan_in}:{batch}:tn",
        ]
    return found


def build(source: Path, folder: Path) -> tuple[Path, Path]:
    """The program, and the kernels in `source` as a library."""
    program, library = folder / "products", folder / "kernels.so"
    kernels = [str(path) for path in sorted(source.glob("*.c")) if not path.name.startswith("test_")]
    subprocess.run(["gcc", *FLAGS, "-fPIC", "-shared", *kernels, "-lm", "-o", str(library)], check=True)
    subprocess.run(["gcc", *FLAGS, str(ROOT / "bench" / "products.c"), "-ldl", "-o", str(program)], check=True)
    return program, library


def newest(folder: Path, pattern: str) -> Path | None:
    """The last of the files of that name, if there are any."""
    return max(folder.glob(pattern), default=None)


def main() -> None:
    """Build, run, and leave the table to the program."""
    wheels = Path(scipy.__file__).parent.parent / "scipy.libs"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("product", nargs="*", default=products(), metavar="TYPE:M:N:K:LAYOUT")
    parser.add_argument("--isa", choices=("avx512", "avx2"), default="avx512")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--mkl", type=Path, default=newest(Path(sysconfig.get_path("data"), "lib"), "libmkl_rt.so*"))
    parser.add_argument("--openblas", type=Path, default=newest(wheels, "libscipy_openblas-*.so"))
    parser.add_argument("--before", type=Path, help="another csrc/, to be measured as well")
    args = parser.parse_args()
    environment = os.environ | {
        name: str(args.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    }
    environment |= {"MKL_THREADING_LAYER": "GNU", "MKL_DYNAMIC": "FALSE"}
    if args.isa == "avx2":
        environment |= {"MKL_ENABLE_INSTRUCTIONS": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}
    if args.threads > 1:
        environment["PRODUCTS_THREADS"] = str(args.threads)
    if args.mkl is not None:
        environment["LD_LIBRARY_PATH"] = str(args.mkl.parent)
    with tempfile.TemporaryDirectory() as folder:
        program, ours = build(ROOT / "csrc", Path(folder))
        libraries = {"ours": f"tgi:{ours}"}
        if args.before is not None:
            (Path(folder) / "before").mkdir()
            libraries["before"] = f"tgi:{build(args.before, Path(folder) / 'before')[1]}"
        if args.openblas is not None:
            libraries["OpenBLAS"] = f"blas:{args.openblas}:scipy_"
        if args.mkl is not None:
            libraries["MKL"] = f"blas:{args.mkl}"
        print("product, peak, then GFLOP/s, share of the peak, speed by ours:", ", ".join(libraries), flush=True)
        command = [str(program), args.isa, str(args.rounds), *libraries.values(), "--", *args.product]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
