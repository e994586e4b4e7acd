"""Asks a running server, TensorFlow Serving's or `ctrmoe serve`, for some rows over REST and gRPC.

A first check of a deployment: it exits with 1 if the model is not available, or if the two differ.

    python serving/smoke.py http://localhost:8501 localhost:8500 clicks rows.parquet
"""

from __future__ import annotations

import sys

ROWS, SECONDS, TOLERANCE = 100, 60.0, 1e-6


def main() -> None:
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    import polars as pl

    from ctrmoe.serving.client import GrpcClient, RestClient

    rest, grpc, model, path = sys.argv[1:]
    rows = pl.read_parquet(path, n_rows=ROWS)
    with RestClient(rest, model) as over_rest, GrpcClient(grpc, model) as over_grpc:
        version = over_rest.wait_until_available(SECONDS)
        scores, others = over_rest.predict(rows), over_grpc.predict(rows)
    worst = max((scores[task] - others[task]).abs().max() for task in scores.columns)
    print(f"{model} {version} is available; {rows.height} rows, means of the probabilities:")
    print(scores.mean())
    if not worst <= TOLERANCE:
        sys.exit(f"REST and gRPC must agree to {TOLERANCE}. Received: a difference of {worst}.")


if __name__ == "__main__":
    main()
