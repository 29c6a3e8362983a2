"""Trains the digits network, quantizes it to int8 and writes every file of this folder that a test or the packer reads.

    pip install tensorflow scikit-learn
    python models/digits/train.py              trains the chosen network (a minute), measures it, writes the files
    python models/digits/train.py --compare    trains every candidate by cross-validation on the training digits only

Seeded and deterministic: with the versions in digits.json, the same digits.tflite comes out byte for byte.
"""

import argparse
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
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split

HERE = Path(__file__).resolve().parent
CLASSES = 10
SEED = 0
EPOCHS = 100
BATCH = 64
LEARNING_RATE = 6e-3
LABEL_SMOOTHING = 0.05
SHIFT = 0.5  # pixels, either way; a whole pixel pushes strokes off an 8x8 image and made validation worse
FOLDS = 4
COMPARE_SEEDS = (0, 1, 2)
ALLOWED_OPS = {
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "AVERAGE_POOL_2D",
    "MEAN", "RESHAPE", "SOFTMAX", "ADD",
}  # fmt: skip
# With images cut at 255/256 the converter's input scale is 1/256 and its zero point -128, so that pixel p of 16 is
# int8 16 * p - 128 (and 127 for 16) exactly. Cut at 1, the scale is 1/255 and pixel 8 falls on 127.5: half a step,
# where two ways to round give two answers.
INPUT_MAX = 255 / 256


def conv(x, channels, kernel, padding):
    x = layers.Conv2D(channels, kernel, padding=padding, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def depthwise(x, stride):
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def conv_pool_conv(x, first, second):
    x = layers.MaxPooling2D(2)(conv(x, first, 3, "same"))
    return layers.Flatten()(conv(x, second, 3, "valid"))


def conv_depthwise_pool_conv(x, first, second):
    x = layers.MaxPooling2D(2)(depthwise(conv(x, first, 3, "same"), 1))
    return layers.Flatten()(conv(x, second, 3, "valid"))


def conv_stride_conv(x, first, second):
    x = depthwise(conv(x, first, 3, "same"), 2)
    return layers.Flatten()(conv(x, second, 3, "valid"))


def separable(x, first, second, third):
    x = conv(depthwise(conv(x, first, 3, "same"), 2), second, 1, "same")
    return layers.GlobalAveragePooling2D()(conv(depthwise(x, 1), third, 1, "same"))


CANDIDATES = {
    "separable-8-16-24": (separable, (8, 16, 24)),
    "conv_stride_conv-8-24": (conv_stride_conv, (8, 24)),
    "conv_stride_conv-12-24": (conv_stride_conv, (12, 24)),
    "conv_pool_conv-8-24": (conv_pool_conv, (8, 24)),
    "conv_pool_conv-12-24": (conv_pool_conv, (12, 24)),
    "conv_pool_conv-12-32": (conv_pool_conv, (12, 32)),
    "conv_depthwise_pool_conv-8-24": (conv_depthwise_pool_conv, (8, 24)),
    "conv_depthwise_pool_conv-10-24": (conv_depthwise_pool_conv, (10, 24)),
}
# Of the candidates with both a depthwise convolution and a pool (so that the demonstration runs every common kernel)
# and a mean validation accuracy within 0.3 % of the best, the one of fewest MACs. README.md has the table.
CHOSEN = "conv_depthwise_pool_conv-8-24"


def build(candidate):
    """The untrained network of a name in CANDIDATES: image (8, 8, 1) in 0..1 -> 10 logits."""
    body, widths = CANDIDATES[candidate]
    image = keras.Input((8, 8, 1), name="image")
    return keras.Model(image, layers.Dense(CLASSES)(body(image, *widths)), name="digits")


def size(model):
    """(multiply-accumulates of one inference, weights without biases)."""
    macs = weights = 0
    for layer in model.layers:
        if not hasattr(layer, "kernel"):
            continue
        kernel = int(np.prod(layer.kernel.shape))
        out = [int(n) for n in layer.output.shape[1:]]
        places = out[0] * out[1] if len(out) == 3 else 1
        macs += places * kernel
        weights += kernel
    return macs, weights


def load_split():
    """(x_train, x_test, y_train, y_test): float32 (n, 8, 8, 1) in 0..1, uint8 (n,). The test part is stratified and fixed."""
    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)[..., np.newaxis]
    y = digits.target.astype(np.uint8)
    return train_test_split(x, y, test_size=360, random_state=0, stratify=y)


def shifted(x, rng):
    """Each image moved by a random part of a pixel (at most SHIFT) down and across, linearly interpolated, 0 coming in."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for axis in (1, 2):
        part = rng.uniform(-SHIFT, SHIFT, (len(x), 1, 1, 1)).astype(np.float32)
        neighbour = np.where(part > 0, np.roll(padded, 1, axis), np.roll(padded, -1, axis))
        padded = padded + np.abs(part) * (neighbour - padded)
    return padded[:, 1:-1, 1:-1]


def train(candidate, x, y, seed=SEED):
    """The trained network. The number of epochs is fixed: nothing is held back to stop by."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = build(candidate)
    steps = len(x) // BATCH
    order = np.concatenate([rng.permutation(len(x))[: steps * BATCH] for _ in range(EPOCHS)])
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * steps)),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=LABEL_SMOOTHING),
        jit_compile=False,
        steps_per_execution=steps,
    )
    targets = np.eye(CLASSES, dtype=np.float32)[y[order]]
    model.fit(shifted(x[order], rng), targets, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    return model


def correct(scores, y):
    return int(np.sum(np.argmax(scores, axis=-1) == y))


def validate(candidate, x, y, seed):
    """How many training digits are recognized when each is predicted by a network that never saw it."""
    hits = 0
    for seen, held in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x, y):
        model = train(candidate, x[seen], y[seen], seed)
        hits += correct(model.predict(x[held], verbose=0), y[held])
    return hits


def compare(x, y):
    """Prints each candidate's validation accuracy, a column a seed: the spread says how much a difference means."""
    print("| candidate | MACs | weights |" + "".join(f" seed {seed} |" for seed in COMPARE_SEEDS) + " mean |")
    print("|---|---|---|" + "---|" * (len(COMPARE_SEEDS) + 1))
    for candidate in CANDIDATES:
        macs, weights = size(build(candidate))
        row = [validate(candidate, x, y, seed) / len(x) for seed in COMPARE_SEEDS]
        cells = [candidate, f"{macs:,}", f"{weights:,}", *(f"{accuracy:.2%}" for accuracy in [*row, np.mean(row)])]
        print("| " + " | ".join(cells) + " |", flush=True)


def with_softmax(model):
    """The network that is shipped: batch 1, probabilities."""
    image = keras.Input(batch_shape=(1, 8, 8, 1), name="image")
    return keras.Model(image, layers.Softmax(name="probability")(model(image)))


def convert(whole, x):
    """`whole` as an int8 .tflite, calibrated on the training images x by TensorFlow's own converter."""
    converter = tf.lite.TFLiteConverter.from_keras_model(whole)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([np.minimum(one[np.newaxis], np.float32(INPUT_MAX))] for one in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def run_int8(tflite, x):
    """(n, 10) int8 scores of the .tflite for real images, by TFLite's reference kernels; the ops; the input's quantization."""
    interpreter = tf.lite.Interpreter(
        model_content=tflite, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    raw = np.clip(np.round(x / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
    scores = []
    for one in raw:
        interpreter.set_tensor(source["index"], one[np.newaxis])
        interpreter.invoke()
        scores.append(interpreter.get_tensor(result["index"])[0])
    ops = [op["op_name"] for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
    return np.array(scores), ops, {"scale": scale, "zero_point": zero_point}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--compare", action="store_true", help="cross-validate every candidate, write nothing")
    options = arguments.parse_args()
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    x_train, x_test, y_train, y_test = load_split()
    if options.compare:
        compare(x_train, y_train)
        return

    model = train(CHOSEN, x_train, y_train)
    whole = with_softmax(model)
    tflite = convert(whole, x_train)
    scores, ops, input_quantization = run_int8(tflite, x_test)
    unknown = sorted(set(ops) - ALLOWED_OPS)
    if unknown:
        raise SystemExit(
            f"digits.tflite holds {', '.join(unknown)}: fxnn's demonstration keeps to {', '.join(sorted(ALLOWED_OPS))}"
        )
    macs, weights = size(model)
    float_correct = correct(model.predict(x_test, verbose=0), y_test)
    int8_correct = correct(scores, y_test)
    figures = {
        "architecture": CHOSEN,
        "test_images": len(y_test),
        "float_correct": float_correct,
        "float_accuracy": round(float_correct / len(y_test), 6),
        "int8_correct": int8_correct,
        "int8_accuracy": round(int8_correct / len(y_test), 6),
        "macs": macs,
        "weights": weights,
        "tflite_bytes": len(tflite),
        "ops": ops,
        "input": input_quantization,
        "seed": SEED,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }
    (HERE / "digits.tflite").write_bytes(tflite)
    # For `fxnn quantize`: the network before anybody rounded it, and the training images TensorFlow calibrated it with.
    (HERE / "digits_float.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(whole).convert())
    cut = np.minimum(x_train, np.float32(INPUT_MAX)).astype(np.float16)  # exact: float16 holds 11 bits
    np.savez_compressed(HERE / "calibration.npz", x0=cut, labels=y_train)
    (HERE / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(CLASSES)))
    np.savez_compressed(HERE / "test.npz", x0=x_test, labels=y_test)
    (HERE / "digits.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
