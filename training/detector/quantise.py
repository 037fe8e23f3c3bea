"""An f32 detector -> int8: static, QDQ, per channel, calibrated on our own drawn scenes.

    cargo run --example draw -- SCENES 0 64
    python quantise.py face.onnx SCENES face-int8.onnx
"""

import argparse
import tempfile
from pathlib import Path

from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from infer import letterbox, read

SCENES = 64
# Additions and what lies between convolutions, too: otherwise every convolution's output is turned back into f32.
OPERATORS = ["Conv", "Add", "Clip", "Resize"]


class Scenes(CalibrationDataReader):
    def __init__(self, folder):
        self.files = iter(sorted(folder.glob("*.png"))[:SCENES])

    def get_next(self):
        path = next(self.files, None)
        return path and {"image": letterbox(read(path))[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared.onnx")
        quant_pre_process(str(args.model), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            prepared,
            args.out,
            Scenes(args.scenes),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=OPERATORS,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


if __name__ == "__main__":
    main()
