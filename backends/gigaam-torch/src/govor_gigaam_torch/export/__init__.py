"""`govor export`: a checkpoint as ONNX files, compared with torch."""
