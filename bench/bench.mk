# What the benchmarks need, and how they are run; included by the Makefile.
# Each is made anew when what it is made from has changed.
BENCH := $(BIN)/python -m bench.run
BENCH_READY := .venv/runtime bench/build/redis bench/build/load bench/build/c_sends bench/build/libuv bench/.venv/done bench/node_modules/.done
BENCH_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror

.PHONY: bench bench-quick bench-request bench-idle attack profile clean-bench

bench: $(BENCH_READY)
	$(BENCH) $(ARGS)

bench-quick: $(BENCH_READY)
	$(BENCH) --quick $(ARGS)

bench-request: .venv/runtime
	$(BIN)/python -m bench.request $(ARGS)

profile: .venv/runtime bench/build/load bench/.venv/done
	$(BIN)/python -m bench.flamegraph $(ARGS)

bench-idle: .venv/development
	$(BIN)/python -m bench.idle_process $(ARGS)

attack: .venv/development bench/build/redis
	$(BIN)/python -m bench.attack $(ARGS)

bench/build/load: $(wildcard bench/load/*) bench/build/compiler
	gcc $(BENCH_CFLAGS) -o $@ $(filter %.c,$^)

bench/build/c_sends: bench/peers/c_sends.c bench/load/websocket.c bench/load/websocket.h bench/build/compiler
	gcc $(BENCH_CFLAGS) -o $@ $(filter %.c,$^)

bench/build/redis:
	@mkdir -p $(@D)
	@command -v redis-server >/dev/null || scripts/apt-install redis-server
	@touch $@

# uWebSockets' library is linked to it.
bench/build/libuv:
	@mkdir -p $(@D)
	@/sbin/ldconfig -p | grep -q 'libuv\.so\.1 ' || scripts/apt-install libuv1
	@touch $@

bench/build/compiler:
	@mkdir -p $(@D)
	@command -v gcc >/dev/null && echo '#include <stdio.h>' | gcc -E - >/dev/null || scripts/apt-install gcc libc6-dev
	@touch $@

bench/.venv/done: bench/requirements.txt .venv/runtime
	@echo "Installing $< into bench/.venv …"
	@$(PYTHON) -m venv bench/.venv
	@bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench/node_modules/.done: bench/package.json
	@command -v npm >/dev/null || scripts/apt-install nodejs npm
	@scripts/node-problem
	cd bench && npm install --no-audit --no-fund --loglevel=error
	@touch $@

clean: clean-bench

clean-bench:
	rm -rf bench/.venv bench/node_modules bench/build
