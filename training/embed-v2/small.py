"""Weights kept small in the file, unpacked to f32 once, when the model is loaded: ONNX Runtime folds constants.

A plain cast and product, not DequantizeLinear: that one is left in the graph for int8 kernels and would run each time.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

# Smaller ones stay as they are: there is nothing to save.
LEAST = 1000


def shrink(model, coarse):
    """f16 for every weight, and int8 with a scale for each output for those that `coarse` names."""
    graph, unpack = model.graph, []
    for tensor in list(graph.initializer):
        values, name = numpy_helper.to_array(tensor), tensor.name
        if values.dtype != np.float32 or values.size < LEAST:
            continue
        graph.initializer.remove(tensor)
        if name in coarse:
            # A convolution's outputs come first, a matrix' last.
            others = tuple(range(1, values.ndim)) if values.ndim == 4 else 0
            scale = np.abs(values).max(others, keepdims=True) / 127
            graph.initializer.append(numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{name}_i8"))
            graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
            unpack.append(helper.make_node("Cast", [f"{name}_i8"], [f"{name}_whole"], to=TensorProto.FLOAT))
            unpack.append(helper.make_node("Mul", [f"{name}_whole", f"{name}_scale"], [name]))
        else:
            graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_f16"))
            unpack.append(helper.make_node("Cast", [f"{name}_f16"], [name], to=TensorProto.FLOAT))
    nodes = unpack + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
