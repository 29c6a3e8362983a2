"""What tests of the quantizer share: a float model of many ops, options that leave out every step, a packed network."""

from __future__ import annotations

import numpy as np

from host_tools.compiler import convert
from host_tools.fileformat import packed
from host_tools.measure import evaluate
from host_tools.quantizer import Options
from tests.helpers.tflite_builder import Builder

F = np.float32
OFF = Options(ranges="minmax", equalize="off", bias_correction="off", adaptive="off")


def network(graph, name="net"):
    return evaluate.Network(name, packed.read(convert.convert_graph(graph, name, selftest=0).data))


def everything(activation="RELU"):
    """A float network with every op that has a rule, and its input shape."""
    random = np.random.default_rng(11)

    def r(*shape):
        return (random.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(F)

    b = Builder()
    x = b.input((1, 10, 9, 3), "float32")
    x = b.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0)))
    x = b.conv_2d(x, b.constant(r(8, 3, 3, 3) * 3), b.constant(r(8)), scale=None, activation=activation)
    y = b.depthwise_conv_2d(
        x, b.constant(r(1, 3, 3, 16) * 3), b.constant(r(16)), scale=None, activation="RELU6", stride=(2, 2)
    )
    y = b.max_pool_2d(y, kernel=(2, 2), stride=(1, 1), padding="SAME")
    gate = b.logistic(b.conv_2d(y, b.constant(r(16, 1, 1, 16) * 4), scale=None), scale=None)
    y = b.mul(y, gate, scale=None)
    wave = b.tanh(b.average_pool_2d(y, kernel=(2, 2), stride=(1, 1), padding="SAME"), scale=None)
    y = b.concatenation([y, wave, gate, b.constant(np.full((1, 6, 5, 1), 2.5, F))], 3)
    y = b.add(y, b.constant(r(49) * 3), scale=None)
    y = b.add(b.relu(y), y, scale=None)
    y = b.mean(y, (1, 2), scale=None)
    y = b.expand_dims(b.squeeze(y, ()), 0)
    y = b.fully_connected(y, b.constant(r(6, 49) * 3), b.constant(r(6)), scale=None)
    return b.finish([b.softmax(y, scale=None), y])
