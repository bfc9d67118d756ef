# make build | run | test | check-all | format | clean
JOBS ?= $(shell nproc)

.PHONY: build run test check-all format clean

build:
	@tools/install.sh run
	@cmake --preset release -DKINGLET_TESTS=OFF -B build/program > build-program.log 2>&1 || { cat build-program.log; exit 1; }
	@rm -f build-program.log
	@cmake --build build/program -j $(JOBS) --target kinglet
	@ln -sf program/kinglet build/kinglet
	@echo "Built build/kinglet."

run: build
	@tools/get_model.sh build/kinglet smollm2:135m
	build/kinglet run smollm2:135m "Why is the sky blue? Answer in two sentences." </dev/null

test:
	@tools/test.sh

check-all:
	@tools/check_all.sh

format:
	@git ls-files '*.cpp' '*.h' | xargs clang-format-19 -i

clean:
	rm -rf build
