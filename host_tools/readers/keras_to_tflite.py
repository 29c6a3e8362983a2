"""Run as a program of its own: python keras_to_tflite.py MODEL OUT.tflite [qat]. The only place that needs TensorFlow.

MODEL: .keras, .h5 or the folder of a SavedModel; OUT: the same in float, for a batch of 1. TensorFlow folds batch norms
and fuses activations on the way, and quantizes only with `qat`: a model trained with fake quantization then becomes int8
with the scales of its training. On failure the last line of stderr says why.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def convert(path: str, qat: bool):
    """The .tflite's bytes."""
    import tensorflow as tf

    converter = _converter(tf, path)
    if qat:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def _converter(tf, path: str):
    if Path(path).is_dir():
        return tf.lite.TFLiteConverter.from_saved_model(path)
    model = tf.keras.models.load_model(path, compile=False)
    try:  # a batch of 1 in every shape: what Flatten and Reshape leave behind are constants then
        inputs = [
            tf.keras.Input(batch_shape=(1, *i.shape[1:]), dtype=i.dtype, name=i.name.split(":")[0])
            for i in model.inputs
        ]
        model = tf.keras.Model(inputs, model(inputs if len(inputs) > 1 else inputs[0]))
    except (ValueError, TypeError, AttributeError):
        pass  # a model that was not built like that: its own signature will do
    return tf.lite.TFLiteConverter.from_keras_model(model)


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    try:
        data = convert(sys.argv[1], "qat" in sys.argv[3:])
    except ImportError as e:
        if (e.name or "").split(".")[0] in ("tensorflow", "keras"):
            sys.exit("no tensorflow")
        raise
    except Exception as e:  # Keras and the converter raise anything; one line is for people
        sys.exit(f"{type(e).__name__}: {' '.join(str(e).split())[:500]}")
    Path(sys.argv[2]).write_bytes(data)


if __name__ == "__main__":
    main()
