"""Trains an autoencoder that tells odd measurements from normal ones, and writes every file of this folder.

    pip install tensorflow scikit-learn
    python models/anomaly/train.py        trains it (seconds), measures it, writes the files

The data is scikit-learn's breast cancer set (bundled with it): 30 measurements of cell nuclei, 357 benign and 212
malignant. The network sees benign ones only, in training and in calibration; malignant ones are the anomalies.
Seeded and deterministic: with the versions in anomaly.json the same files come out.
"""

import json
import os
import platform
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # oneDNN picks its order of summation by processor

import keras
import numpy as np
import sklearn
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

HERE = Path(__file__).resolve().parent
SEED = 0
EPOCHS = 300
BATCH = 32
WIDTHS = (64, 16, 64)  # chosen before anything was measured: twice the inputs, half of them, twice
HELD_OUT = 119  # benign ones that are only tested: a third
CLIP = 6.0  # standard deviations: keeps one extreme value from taking the int8 range of all


def load_split():
    """(x_train, x_test, odd): float32 (n, 30) in standard deviations of the training part; uint8 (n,), 1 = malignant."""
    data = load_breast_cancer()
    benign, malignant = data.data[data.target == 1], data.data[data.target == 0]
    order = np.random.default_rng(SEED).permutation(len(benign))
    train, held = benign[order[HELD_OUT:]], benign[order[:HELD_OUT]]
    mean, deviation = train.mean(0), train.std(0)
    scale = lambda x: np.clip((x - mean) / deviation, -CLIP, CLIP).astype(np.float32)  # noqa: E731
    odd = np.concatenate([np.zeros(len(held)), np.ones(len(malignant))]).astype(np.uint8)
    return scale(train), scale(np.concatenate([held, malignant])), odd


def build():
    """The untrained network: 30 numbers in, the same 30 out."""
    x = values = keras.Input(batch_shape=(1, 30), name="measurements")
    for width in WIDTHS:
        x = layers.Dense(width, activation="relu")(x)
    return keras.Model(values, layers.Dense(30)(x), name="anomaly")


def train(x):
    """The trained network; a little noise on its inputs keeps it from learning to copy."""
    keras.utils.set_random_seed(SEED)
    noise = np.random.default_rng(SEED)
    model = build()
    trained = _free(model)
    trained.compile(keras.optimizers.Adam(2e-3), "mse", jit_compile=False)
    many = np.tile(x, (EPOCHS, 1))
    order = np.concatenate([e * len(x) + noise.permutation(len(x)) for e in range(EPOCHS)])
    noisy = (many + noise.normal(0, 0.2, many.shape)).astype(np.float32)[order]
    trained.fit(noisy, many[order], batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    model.set_weights(trained.get_weights())
    return model


def _free(model):
    """The same layers for any batch size."""
    x = values = keras.Input((30,))
    for layer in model.layers[1:]:
        x = layers.Dense.from_config(layer.get_config())(x)
    return keras.Model(values, x)


def int8(model, x):
    """TensorFlow's own full-int8 conversion, calibrated with the training data: what `fxnn quantize` is held against."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[np.newaxis]] for one in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def main():
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    x_train, x_test, odd = load_split()
    model = train(x_train)
    answers = np.concatenate([model(one[np.newaxis]).numpy() for one in x_test])
    figures = {
        "widths": WIDTHS,
        "train": len(x_train),
        "test_normal": int((odd == 0).sum()),
        "test_odd": int(odd.sum()),
        "float_auc": round(float(roc_auc_score(odd, ((answers - x_test) ** 2).mean(1))), 6),
        "macs": int(sum(np.prod(layer.kernel.shape) for layer in model.layers[1:])),
        "seed": SEED,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }
    (HERE / "anomaly_float.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    (HERE / "anomaly_int8.tflite").write_bytes(int8(model, x_train))
    np.savez_compressed(HERE / "calibration.npz", x0=x_train)
    np.savez_compressed(HERE / "test.npz", x0=x_test, labels=odd)
    (HERE / "anomaly.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
