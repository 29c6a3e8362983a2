"""Real boards on a serial port: finding them, their facts, their files, deployments, firmware."""
