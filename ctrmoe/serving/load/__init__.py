"""Load on a served model: latency and throughput, at a rate or at a concurrency."""

from ctrmoe.serving.load.bench import BenchOptions as BenchOptions
from ctrmoe.serving.load.bench import bench_serving as bench_serving
from ctrmoe.serving.load.generator import Load as Load
from ctrmoe.serving.load.generator import generate as generate
from ctrmoe.serving.load.outcome import Outcome as Outcome
from ctrmoe.serving.load.page import load_page as load_page
from ctrmoe.serving.load.target import Target as Target
