"""Checkpoints as libraries write them: what is found in files is what is found in the module, sharded or not."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import tinygrad_init as tgi  # noqa: E402
import tinygrad_init.torch  # noqa: E402
from tinygrad_init.cli import main  # noqa: E402
from tinygrad_init.torch.roles import role_of  # noqa: E402

SIZES: dict[str, dict[str, Any]] = {
    "GPT2LMHeadModel": {"vocab_size": 500, "n_positions": 64, "n_embd": 64, "n_layer": 3, "n_head": 4},
    "BertForSequenceClassification": {
        "vocab_size": 500, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 256,
    },
    "T5ForConditionalGeneration": {
        "vocab_size": 500, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4
    },
    "LlamaForCausalLM": {
        "vocab_size": 500, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2,
    },
    "ViTForImageClassification": {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
        "image_size": 32, "patch_size": 4,
    },
}  # fmt: skip


@pytest.fixture
def transformers() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.mark.parametrize(
    ("name", "embedding"),
    [
        ("shared.weight", True),
        ("model.shared.weight", True),
        ("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", True),
        ("encoder.block.0.layer.0.SelfAttention.q.weight", False),
        ("mlp.shared_expert.up_proj.weight", False),
        ("shared.up.weight", False),
    ],
)
def test_tables_are_known_by_the_names_that_t5_gives_them(name: str, embedding: bool) -> None:
    assert (role_of(name, {name: (500, 64)}).kind == "embedding") == embedding


def found_in(source: Any) -> Any:
    audit = tgi.torch.audit(source)
    roles = {one.name: (one.role, one.scheme and one.scheme.name) for one in audit.parameters}
    return roles, {(one.code, one.parameter) for one in audit.findings}


@pytest.mark.parametrize("kind", SIZES)
def test_what_is_in_files_is_what_is_in_the_module(transformers: Any, kind: str, tmp_path: Path, capsys: Any) -> None:
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind.partition('For')[0].removesuffix('LMHeadModel')}Config")
    model = getattr(transformers, kind)(config(**SIZES[kind]))
    roles, found = found_in(model)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    model.save_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "sharded", max_shard_size="200KB")
    (index,) = (tmp_path / "sharded").glob("*.index.json")
    assert len(set(json.loads(index.read_text())["weight_map"].values())) >= 2
    for source in (tmp_path / "model.pt", tmp_path / "whole", tmp_path / "sharded", index):
        in_file, there = found_in(source)
        # Some models are written under other names than they have, and what is tied once.
        kinds, known = Counter(in_file.values()), Counter(roles.values())
        assert kinds <= known and kinds.total() >= known.total() - 4
        assert Counter(code for code, _ in there) == Counter(code for code, _ in found)
        assert main(["audit", str(source), "--language", "en"]) == 0
        assert f"0 faults, {len(there)} note" in capsys.readouterr().out


def resnet18() -> Any:
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed", exc_type=ImportError)
    torch.manual_seed(0)
    return torchvision.models.resnet18()


def training_file(model: Any, path: Path) -> None:
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.save({"epoch": 3, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}, path)


def parallel(model: Any, path: Path) -> None:
    torch.save({f"module.{name}": value for name, value in model.state_dict().items()}, path)


@pytest.mark.parametrize("write", [training_file, parallel], ids=["training", "parallel"])
def test_a_resnet_of_a_training_script(write: Callable[[Any, Path], None], tmp_path: Path) -> None:
    model = resnet18()
    write(model, tmp_path / "model.pt")
    roles, found = found_in(model)
    in_file, there = found_in(tmp_path / "model.pt")
    assert {name.removeprefix("module."): value for name, value in in_file.items()} == roles
    assert found == there == set()
    assert roles["layer1.0.conv1.weight"] == ("convolution", "he_normal")


def test_a_checkpoint_of_lightning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")

        class Module(lightning.LightningModule):  # type: ignore[misc]
            def __init__(self, width: int) -> None:
                super().__init__()
                self.save_hyperparameters()
                self.body = torch.nn.Sequential(torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10))

            def training_step(self, batch: Any, index: int) -> Any:
                return self.body(batch[0]).square().mean()

            def configure_optimizers(self) -> Any:
                return torch.optim.Adam(self.parameters(), 1e-3)

        rows = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(32, 64)), 8)
        module = Module(128)
        trainer = lightning.Trainer(
            max_epochs=1, logger=False, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False,
            default_root_dir=tmp_path,
        )  # fmt: skip
        trainer.fit(module, rows)
        trainer.save_checkpoint(tmp_path / "last.ckpt")
    roles, found = found_in(tmp_path / "last.ckpt")
    assert set(roles) == set(module.state_dict()) and found == set()
