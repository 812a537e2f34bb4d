"""Run the encoder in onnxruntime, on the cores and in the memory of this machine."""
