"""One program of OSS-Fuzz: ``build.sh`` copies it for each harness and writes its name into it."""

import sys

import atheris

with atheris.instrument_imports(include=["extcal", "h11"]):
    import fuzz_HARNESS_NAME
    from bending import mutator
    from harness import import_all

    import_all()

HARNESS = fuzz_HARNESS_NAME.HARNESS


def main() -> None:
    """Let libFuzzer call the harness, and the grammars make half of its inputs."""
    mutate = mutator(HARNESS, [])
    atheris.Setup(sys.argv, HARNESS.one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
