"""What one training step of the teacher costs beside PyTorch; `make bench-train` runs it.

The step is fine-tuning's: forward, cross-entropy, backward, AdamW, on a SimCLRv2 ResNet (grey slices in, four stages
out). Ours in float32 and bfloat16, and, with `--torch-python` naming an interpreter that has PyTorch, the same
network and step there: CPU, channels-last, bfloat16 by autocast, AdamW fused. All take turns in rounds, so that
whatever else the machine does meets each of them; ratios are taken within rounds. The input pipeline (draw and apply
the views of a batch) is timed in the same rounds.
"""

import argparse
import itertools
import statistics
import subprocess
import time
from collections.abc import Callable

import keras
import numpy as np

from alzedge.export.benchmark.speedup import speed_ratio
from alzedge.runs.recipe import AugmentRecipe, FinetuneRecipe, TeacherRecipe
from alzedge.teacher.networks.heads import classifier
from alzedge.teacher.networks.resnet import BLOCKS, resnet
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.optimizers import make_optimizer
from alzedge.teacher.training.replicas import make_worker, train_step

_SLICES = 5121  # of the Kaggle archive's training side: views are drawn for all of them, and rendered for the batch

# Reads "PRECISION STEPS" lines, answers with the seconds these steps took.
_TORCH = """
import sys, time, torch
from torch import nn
blocks, bottleneck, batch, rows, columns = eval(sys.argv[1])

class Block(nn.Module):
    def __init__(self, ins, filters, stride, project):
        super().__init__()
        outs = filters * (4 if bottleneck else 1)
        kernels = [(1, 1), (3, stride), (1, 1)] if bottleneck else [(3, stride), (3, 1)]
        widths = [ins] + [filters] * (len(kernels) - 1) + [outs]
        parts = []
        for (kernel, step), a, b in zip(kernels, widths, widths[1:]):
            parts += [nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*parts[:-1])
        self.shortcut = nn.Sequential(nn.Conv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs)) if project else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))

layers = [nn.Conv2d(1, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
width = 64
for group, count in enumerate(blocks):
    filters = 64 * 2**group
    for i in range(count):
        layers.append(Block(width, filters, 2 if group and not i else 1, not i))
        width = filters * (4 if bottleneck else 1)
model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 4))
model = model.to(memory_format=torch.channels_last).train()
optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=1e-4, fused=True)
images = torch.rand(batch, 1, rows, columns).to(memory_format=torch.channels_last)
labels = torch.arange(batch) % 4
parameters = sum(p.numel() for p in model.parameters())
print(torch.__version__, torch.get_num_threads(), parameters, flush=True)
for line in sys.stdin:
    precision, steps = line.split()
    start = time.perf_counter()
    for _ in range(int(steps)):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = nn.functional.cross_entropy(model(images).float(), labels)
        loss.backward()
        optimizer.step()
        loss.item()
    print(time.perf_counter() - start, flush=True)
"""

# steps -> seconds
Steps = Callable[[int], float]


def ours(depth: int, batch: int, rows: int, columns: int, precision: str) -> tuple[Steps, int]:
    """The teacher's training step as `alzedge train` takes it, and the number of trained parameters."""
    recipe = FinetuneRecipe(batch_size=batch, learning_rate=1e-4, precision=precision)
    model = classifier(resnet(TeacherRecipe(depth=depth, width=1.0), (rows, columns, 1)), 0)
    worker = make_worker(model, recipe, 1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    worker.compile(make_optimizer(recipe, recipe.learning_rate), loss, jit_compile=False)
    data = np.random.default_rng(0).random((batch, rows, columns, 1), dtype=np.float32), np.arange(batch) % 4

    def steps(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            train_step(worker, data, 1)
        return time.perf_counter() - start

    return steps, sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


def pipeline(batch: int, rows: int, columns: int) -> Steps:
    """Drawing and rendering the views of a batch as fine-tuning does."""
    images = np.random.default_rng(0).random((batch, rows, columns, 1), dtype=np.float32)

    def steps(count: int) -> float:
        start = time.perf_counter()
        for i in range(count):
            apply_views(images, draw_views(AugmentRecipe(), _SLICES, [0, i])[:batch])
        return time.perf_counter() - start

    return steps


class Torch:
    """PyTorch in a process of its own, which waits while others take their turn."""

    def __init__(self, python: str, depth: int, batch: int, rows: int, columns: int) -> None:
        shape = repr((BLOCKS[depth], depth >= 50, batch, rows, columns))
        command = [python, "-c", _TORCH, shape]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version, self.threads, parameters = self._read().split()
        self.parameters = int(parameters)

    def steps(self, precision: str) -> Steps:
        """Its step in one precision."""

        def steps(count: int) -> float:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{precision} {count}\n")
            self._process.stdin.flush()
            return float(self._read())

        return steps

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"PyTorch's process ended with exit code {self._process.wait()}; see its words above")
        return line


def report(seconds: dict[str, list[float]], images: int) -> None:
    """Print rates, ratios and the share of the input pipeline."""
    print(f"{'':<20} images/s   seconds a round, lowest to highest")
    for name, times in seconds.items():
        rate = images / statistics.median(times)
        print(f"{name:<20} {rate:8.2f}   {min(times):.2f} to {max(times):.2f}")
    for name in [name for name in seconds if name.startswith("alzedge")]:
        shares = [a / (a + b) for a, b in zip(seconds["input pipeline"], seconds[name], strict=True)]
        print(f"input pipeline: {statistics.median(shares):.1%} of the step with it, {name} (goal: at most 5 %)")
    for mine, theirs in itertools.product(("alzedge float32", "alzedge bfloat16"), ("torch float32", "torch bfloat16")):
        if theirs in seconds:
            ratio = speed_ratio(seconds[theirs], seconds[mine])
            goal = ", goal 1.00" if mine.endswith("bfloat16") and theirs.endswith("bfloat16") else ""
            print(f"{mine}: {ratio['value']:.2f} x {theirs} (95 % {ratio['low']:.2f} to {ratio['high']:.2f}{goal})")


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Measure a training step of the teacher.")
    parser.add_argument("--depth", type=int, choices=list(BLOCKS), default=50)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rows", type=int, default=208)
    parser.add_argument("--columns", type=int, default=176)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="of each, a round")
    parser.add_argument("--torch-python", metavar="PATH", help="a Python that has PyTorch; without it none is measured")
    options = parser.parse_args()
    size = (options.depth, options.batch, options.rows, options.columns)
    contestants: dict[str, Steps] = {"input pipeline": pipeline(*size[1:])}
    for precision in ("float32", "bfloat16"):
        contestants[f"alzedge {precision}"], parameters = ours(*size, precision)
    print(
        f"ResNet-{options.depth} at {options.rows} x {options.columns}, batch {options.batch}: {parameters} parameters"
    )
    torch = Torch(options.torch_python, *size) if options.torch_python else None
    if torch:
        print(f"torch {torch.version}, {torch.threads} threads: {torch.parameters} parameters")
        contestants |= {f"torch {precision}": torch.steps(precision) for precision in ("float32", "bfloat16")}
    for steps in contestants.values():
        steps(1)  # traces, compiles, takes memory
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(options.rounds):
        names = list(contestants)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds[name].append(contestants[name](options.steps))
    if torch:
        torch.close()
    report(seconds, options.batch * options.steps)


if __name__ == "__main__":
    main()
