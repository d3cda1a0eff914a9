"""One program of OSS-Fuzz: ``build.sh`` copies it for each harness and writes its name into it."""

import sys

import atheris

with atheris.instrument_imports(include=["extcal", "h11"], enable_loader_override=False):
    import fuzz_HARNESS_NAME

HARNESS = fuzz_HARNESS_NAME.HARNESS


def main() -> None:
    """Let libFuzzer call the harness."""
    atheris.Setup(sys.argv, HARNESS.one, enable_python_coverage=True)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
