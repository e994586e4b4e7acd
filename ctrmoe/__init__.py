"""Click-through-rate modelling from raw parquet to TensorFlow Serving.

Importing the package loads no TensorFlow: import what you need from its modules.
"""

__version__ = "0.1.0"
