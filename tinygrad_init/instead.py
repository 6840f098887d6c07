"""What to write instead of names that PyTorch has and this package does not: for each room, a sentence a name."""

from __future__ import annotations

_PRECISION = "numbers are computed with in float32 and float64"
_COMPLEX = "there are no complex numbers here; keep real and imaginary parts as two tensors"
_PROCESSOR = "all numbers are in the memory of one processor; leave it out"
_SCRIPT = "there is nothing to compile models with but tgi.capture, which takes a function; leave it out"
_SPARSE = "there are no sparse tensors here; keep the matrix dense, or the edges as indices for index_add"

INSTEAD: dict[str, dict[str, str]] = {
    "tinygrad_init": {
        "compile": "write step = tgi.capture(step) with the function of a training step, or leave it out",
        "jit": _SCRIPT,
        "fx": _SCRIPT,
        "export": "write tgi.to_onnx",
        "onnx": "write tgi.to_onnx(model, x, path)",
        "hub": "there are no pretrained models to download; load a checkpoint of PyTorch with tgi.from_torch",
        "amp": f"{_PRECISION}; leave autocast and GradScaler out",
        "autocast": f"{_PRECISION}; leave it out",
        **dict.fromkeys(("float16", "half", "bfloat16"), f"{_PRECISION}; write float32"),
        **dict.fromkeys(
            ("complex", "complex64", "complex128", "cfloat", "cdouble", "polar", "view_as_complex", "view_as_real"),
            _COMPLEX,
        ),
        "fft": f"{_COMPLEX}; write a product with matrices of cosines and sines",
        "is_complex": "no tensor is; write False",
        **dict.fromkeys(("HalfTensor", "BFloat16Tensor"), f"{_PRECISION}; write FloatTensor"),
        "set_default_tensor_type": "write set_default_dtype(float32) or set_default_dtype(float64)",
        "set_default_device": _PROCESSOR,
        "distributed": _PROCESSOR,
        "multiprocessing": _PROCESSOR,
        **dict.fromkeys(("sparse", "spmm", "sparse_coo_tensor", "sparse_csr_tensor"), _SPARSE),
        "nested": "there are no ragged tensors here; pad the rows and keep a mask",
        "quantization": f"{_PRECISION}; leave it out",
        "profiler": "write tgi.capture(step) and its explain(), or Python's cProfile",
        "testing": "write numpy.testing.assert_allclose",
        **dict.fromkeys(("get_rng_state", "set_rng_state"), "keep a tgi.Generator, and its bit_generator.state"),
        **dict.fromkeys(("seed", "initial_seed"), "write manual_seed with a seed of your own"),
        "random": "write manual_seed, or give functions a tgi.Generator",
        **dict.fromkeys(
            ("set_num_threads", "get_num_threads", "set_num_interop_threads", "use_deterministic_algorithms"),
            "nothing is to be set here; leave it out",
        ),
        "set_float32_matmul_precision": "products of float32 are computed in float32; leave it out",
        "set_printoptions": "tensors are written as NumPy writes arrays: write numpy.set_printoptions",
        **dict.fromkeys(
            ("strided", "contiguous_format", "channels_last", "preserve_format"),
            "there is one layout, contiguous; leave it out",
        ),
        "triangular_solve": "write linalg.solve_triangular(a, b, upper=...)",
        "lu_unpack": "write linalg.lu",
        "promote_types": "write array_api.result_type or numpy.promote_types",
        "fill": "write full_like(x, value)",
        "_assert": "write assert",
        "Variable": "tensors are variables: write the tensor itself, with requires_grad_() where it is wanted",
    },
    "tinygrad_init.autograd": {
        "Variable": "tensors are variables: write the tensor itself, with requires_grad_() where it is wanted",
        "set_detect_anomaly": "write with tgi.detect_anomaly():",
        "set_grad_enabled": "write tgi.set_grad_enabled",
        "inference_mode": "write tgi.no_grad",
        "forward_ad": "write tgi.jvp",
        "graph": "write tgi.checkpoint for less memory, or tgi.inspecting() to look into a graph",
        "profiler": "write Python's cProfile",
    },
    "tinygrad_init.distributions": dict.fromkeys(
        ("Cauchy", "Geometric", "Gumbel", "MixtureSameFamily", "Multinomial", "NegativeBinomial", "Pareto",
         "TransformedDistribution", "VonMises", "Weibull"),
        "dir(tinygrad_init.distributions) says which there are; write log_prob as a function of its own",
    ),
    "tinygrad_init.func": {
        "stack_module_state": "stack the parameters of the models by name: stack([m.weight for m in models])",
    },
    "tinygrad_init.nn": {
        **dict.fromkeys(("DataParallel", "parallel", "SyncBatchNorm"), f"{_PROCESSOR}, or write the model alone"),
        "modules": "all modules are in tinygrad_init.nn itself",
        "parameter": "write nn.Parameter",
        "quantized": f"{_PRECISION}; leave it out",
        **dict.fromkeys(
            ("LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d"),
            "write the layer with the number of its inputs, without Lazy",
        ),
    },
    "tinygrad_init.nn.functional": {
        "grid_sample": "write the interpolation with gather and the four neighbours of each place",
        "affine_grid": "write the coordinates with linspace, stack and a product with the matrix",
    },
    "tinygrad_init.optim": {
        "swa_utils": "write the average of the parameters in no_grad(): a.copy_(d * a + (1 - d) * p)",
    },
    "tinygrad_init.utils": {
        "tensorboard": "import SummaryWriter from torch.utils.tensorboard or tensorboardX itself; it takes loss.item()",
        "cpp_extension": "write an operation in Python: tgi.autograd.Function or tgi.custom_op",
        "benchmark": "write Python's timeit",
        "model_zoo": "there are no pretrained models to download; load a checkpoint of PyTorch with tgi.from_torch",
    },
}  # fmt: skip
