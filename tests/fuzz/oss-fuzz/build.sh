#!/bin/bash -eu
# For google/oss-fuzz, projects/extcal/build.sh. Each harness is one program, with its seeds and the
# words of its grammar beside it.

pip3 install ".[testing]"

fuzz=$SRC/extcal/tests/fuzz
for name in feed cell http address; do
  target="fuzz_${name}_oss"
  cp "$fuzz/oss-fuzz/target.py" "$fuzz/$target.py"
  sed -i "s/HARNESS_NAME/$name/" "$fuzz/$target.py"
  compile_python_fuzzer "$fuzz/$target.py" \
    --paths "$fuzz" \
    --add-data "$fuzz/dictionary.txt:." \
    --collect-data tzdata --collect-submodules tzdata \
    --collect-submodules extcal --collect-submodules dateutil \
    --hidden-import "fuzz_$name"
  zip -q -j "$OUT/${target}_seed_corpus.zip" "$fuzz/seeds/$name"/* "$fuzz/found/$name"/*
  cp "$fuzz/dictionary.txt" "$OUT/$target.dict"
done
