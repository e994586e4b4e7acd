#!/bin/bash
# Starts TensorFlow Serving; further flags may follow: serve.sh --tensorflow_inter_op_parallelism=2
set -euo pipefail

config="${CONFIG_DIR:-/etc/serving}"
cores="${CORES:-4}"

flags=(
  --port="${GRPC_PORT:-8500}"
  --rest_api_port="${REST_PORT:-8501}"
  --rest_api_timeout_in_ms=30000
  --rest_api_num_threads="$((8 * cores))"
  --grpc_max_threads="$((8 * cores))"
  --model_config_file="$config/models.config"
  --model_config_file_poll_wait_seconds=30
  # Labels are read before the first versions are loaded. A label that is in use still can't be
  # moved to a version that is not available.
  --allow_version_labels_for_unavailable_models=true
  --monitoring_config_file="$config/monitoring.config"
  --enable_model_warmup=true
  # One version at a time: loading takes cores away from the versions that answer.
  --num_load_threads=1
  --num_unload_threads=1
  --max_num_load_retries=2
  --tensorflow_intra_op_parallelism="$cores"
  --tensorflow_inter_op_parallelism="$cores"
  --enable_grpc_healthcheck_service=true
  --enable_serialization_as_tensor_content=true
)
flags+=(--enable_batching=true --batching_parameters_file="$config/batching.config")
if [ -f "$config/ssl.config" ]; then
  flags+=(--ssl_config_file="$config/ssl.config")
fi
exec tensorflow_model_server "${flags[@]}" "$@"
