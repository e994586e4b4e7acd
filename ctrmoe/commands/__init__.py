"""The commands: one function a file, called like its command."""

from __future__ import annotations

from ctrmoe.commands.bench_serving import bench_serving
from ctrmoe.commands.calibrate import calibrate
from ctrmoe.commands.check import check
from ctrmoe.commands.demo import demo
from ctrmoe.commands.evaluate import evaluate
from ctrmoe.commands.explain import explain
from ctrmoe.commands.export import export
from ctrmoe.commands.infer import infer
from ctrmoe.commands.prepare import prepare
from ctrmoe.commands.promote import promote
from ctrmoe.commands.rank import rank
from ctrmoe.commands.score import score
from ctrmoe.commands.serve import serve
from ctrmoe.commands.serving_config import serving_config
from ctrmoe.commands.train import train
from ctrmoe.commands.tune import tune

COMMANDS = (
    demo,
    infer,
    prepare,
    rank,
    check,
    train,
    tune,
    evaluate,
    calibrate,
    export,
    score,
    serve,
    serving_config,
    promote,
    bench_serving,
    explain,
)
"""In the order of `ctrmoe --help`."""
