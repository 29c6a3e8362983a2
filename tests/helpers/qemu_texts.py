"""What QEMUs of five releases say of themselves, shortened to the lines that options are chosen by, and some around them.

Recorded from Debian's packages: 7.2.22 (Debian 12), 10.0.13 (13), 11.1.3 (13's backports), 29 November 2026, with
-version, -cpu help, -help and QMP's device-list-properties of rv32-riscv-cpu (its names of one letter, z[abdfi]*).
Written from QEMU's source, as no package of them could be had: 8.2 and 9.2. target/riscv/cpu.c of 8.2 lists the
extensions (zicbop came after it), docs/about/deprecated.rst and removed-features.rst say that -singlestep was
deprecated in 8.1, next to its successor, and removed in 9.0; the RISC-V CPU `any` was removed before 9.2.
"""

from __future__ import annotations

from host_tools.emulators.qemu import Said

RECORDED = ("7.2.22", "10.0.13", "11.1.3")

_ACCEL_7 = """\
-accel [accel=]accelerator[,prop[=value][,...]]
                select accelerator (kvm, xen, hax, hvf, nvmm, whpx or tcg; use 'help' for a list)
"""
_ONE_INSTRUCTION = """\
                one-insn-per-tb=on|off (one guest instruction per TCG translation block)
                split-wx=on|off (enable TCG split w^x mapping)
"""
_SINGLESTEP = """\
-singlestep     always run in singlestep mode
--preconfig     pause QEMU before machine is initialized (experimental)
"""
_SINGLESTEP_8 = _SINGLESTEP.replace(
    "always run in singlestep mode", "deprecated synonym for -accel tcg,one-insn-per-tb=on"
)
_ICOUNT = """\
-icount [shift=N|auto][,align=on|off][,sleep=on|off][,rr=record|replay,rrfile=<filename>[,rrsnapshot=<snapshot>]]
                enable virtual instruction counter with 2^N clock ticks per
"""
_ACCEL_10 = _ACCEL_7.replace("hax, ", "")
_ACCEL_11 = _ACCEL_10.replace("prop[=value]", "prop=value").replace("hvf, nvmm, whpx", "hvf, nitro, nvmm, whpx, mshv")

_XTENSA_7 = """\
Available CPUs:
  test_mmuhifi_c3
  sample_controller
  lx106
  dsp3400
  de233_fpu
  de212
  dc233c
  dc232b
"""
_XTENSA_10 = """\
Available CPUs:
  dc232b
  dc233c
  de212
  de233_fpu
  dsp3400
  lx106
  sample_controller
  test_mmuhifi_c3
"""
_RISCV_7 = "any\nlowrisc-ibex\nrv32\nsifive-e31\nsifive-e34\nsifive-u34\n"
_RISCV_8 = "any\nlowrisc-ibex\nmax\nrv32\nsifive-e31\nsifive-e34\nsifive-u34\n"
_RISCV_10 = """\
Available CPUs:
  lowrisc-ibex
  max
  rv32
  rv32e
  rv32i
  sifive-e31
  sifive-e34
  sifive-u34
"""
_RV32_7 = "a c d e f g h i m s u v zba zbb zbc zbkb zbkc zbkx zbs zdinx zfinx"
_RV32_8 = (
    "a c d e f g h i m s u v zawrs zba zbb zbc zbkb zbkc zbkx zbs zdinx zfa zfh zfhmin zfinx zicbom zicboz zicntr "
    "zicond zicsr zifencei zihintntl zihintpause zihpm"
)
_RV32_9 = _RV32_8 + " b zaamo zabha zacas zalrsc zama16b zfbfmin zicbop zimop"
_RV32_10 = (
    "a b c d e f g h i m s u v zaamo zabha zacas zalrsc zama16b zawrs zba zbb zbc zbkb zbkc zbkx zbs zdinx zfa zfbfmin "
    "zfh zfhmin zfinx zicbom zicbop zicboz zicfilp zicfiss zicntr zicond zicsr zifencei zihintntl zihintpause zihpm zimop"
)
_RV32_11 = _RV32_10 + " zalasr ziccrse zilsd"

_HELP = {
    "7.2.22": _ACCEL_7 + _SINGLESTEP + _ICOUNT,
    "8.2.2": _ACCEL_7 + _ONE_INSTRUCTION + _SINGLESTEP_8 + _ICOUNT,
    "9.2.4": _ACCEL_10 + _ONE_INSTRUCTION + _ICOUNT,
    "10.0.13": _ACCEL_10 + _ONE_INSTRUCTION + _ICOUNT,
    "11.1.3": _ACCEL_11 + _ONE_INSTRUCTION + _ICOUNT,
}
_PACKAGED = {
    "7.2.22": "1:7.2+dfsg-7+deb12u18+b3",
    "10.0.13": "1:10.0.13+ds-0+deb13u1",
    "11.1.3": "1:11.1.3+ds-1~bpo13+1",
}
_RISCV = {"7.2.22": (_RISCV_7, _RV32_7), "8.2.2": (_RISCV_8, _RV32_8), "9.2.4": (_RISCV_10, _RV32_9),
          "10.0.13": (_RISCV_10, _RV32_10), "11.1.3": (_RISCV_10, _RV32_11)}  # fmt: skip
_XTENSA = {"7.2.22": _XTENSA_7, "8.2.2": _XTENSA_7, "9.2.4": _XTENSA_10, "10.0.13": _XTENSA_10, "11.1.3": _XTENSA_10}


def _version(release: str) -> str:
    package = f" (Debian {_PACKAGED[release]})" if release in _PACKAGED else ""
    return f"QEMU emulator version {release}{package}\nCopyright (c) Fabrice Bellard and the QEMU Project developers\n"


# target -> release -> what it says
SAID = {
    "qemu-rv32": {
        release: Said(_version(release), cpus, _HELP[release], frozenset(names.split()))
        for release, (cpus, names) in _RISCV.items()
    },
    "qemu-xtensa": {release: Said(_version(release), cpus, _HELP[release]) for release, cpus in _XTENSA.items()},
}
