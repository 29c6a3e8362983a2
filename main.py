# What the board runs after boot: yours to edit. It ends by itself, and `net` stays at the REPL.
import gc
import os
import time

import fxnn

TEST = "digits_test.bin"  # per digit: a byte that says which it is, then 64 pixels of 0 to 16
SHOW = 3  # so many digits are drawn

net = fxnn.load("/models/digits.fxnn")
print(net)

if TEST in os.listdir("/models"):
    digit = bytearray(65)
    pixels = [0.0] * 64
    count = right = total_us = 0
    with open("/models/" + TEST, "rb") as file:
        while file.readinto(digit) == 65:
            for i in range(64):
                pixels[i] = digit[1 + i] / 16
            net.input.quantize(pixels)
            start = time.ticks_us()
            net.invoke()
            total_us += time.ticks_diff(time.ticks_us(), start)
            scores = net.output.dequantize()
            answer = scores.index(max(scores))
            if count < SHOW:
                for row in range(0, 64, 8):
                    print("".join([" .:-=+*#%@"[p * 9 // 16] * 2 for p in digit[1 + row : 9 + row]]))
                print("answer: %d (%d %%), truth: %d\n" % (answer, 100 * max(scores), digit[0]))
            count += 1
            right += answer == digit[0]
    gc.collect()
    mean_us = total_us // max(count, 1)
    print("%d of %d right, invoke() takes %d us, %d bytes free" % (right, count, mean_us, gc.mem_free()))
else:
    print("No /models/%s here. net.classify([...64 numbers, 0 to 1...]) tells a digit from its picture." % TEST)
