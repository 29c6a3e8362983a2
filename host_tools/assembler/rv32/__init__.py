"""RV32IMC: kernels for the ESP32-C3 and the RP2350's RISC-V cores."""
