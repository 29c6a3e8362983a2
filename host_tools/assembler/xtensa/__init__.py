"""Xtensa: kernels for the ESP32 and ESP32-S3."""
