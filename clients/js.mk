# The TypeScript client and the page that shows its hook; included by the Makefile.
# Each is done anew when what it is made from has changed.
JS := clients/js
JS_TYPES := $(JS)/src/generated/payloads.ts
JS_SOURCE := $(shell find $(JS)/src -type f)
PAGE := examples/react

.PHONY: js types-js clean-js

js: $(JS)/dist/index.js $(PAGE)/dist/index.html

# What the page and its client are made from is TypeScript's to check, and vite's to bundle.
$(JS)/dist/index.js: $(JS)/node_modules/.done $(JS)/tsconfig.json $(JS)/tsconfig.build.json $(JS)/scripts/build.mjs $(JS_SOURCE)
	cd $(JS) && npm run --silent build
	@touch $@

$(PAGE)/dist/index.html: $(PAGE)/node_modules/.done $(JS)/dist/index.js $(wildcard $(PAGE)/*.* $(PAGE)/src/*)
	cd $(PAGE) && npm run --silent build
	@touch $@

$(JS)/node_modules/.done $(PAGE)/node_modules/.done: %/node_modules/.done: %/package.json
	@scripts/node-problem
	@echo "Installing what $* needs from npm …"
	cd $* && npm install --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

types-js: .venv/runtime $(JS)/node_modules/.done
	$(BIN)/python -m schemas.json_schema | node $(JS)/scripts/generate-types.mjs > $(JS_TYPES)

clean: clean-js

clean-js:
	rm -rf $(JS)/node_modules $(JS)/dist $(PAGE)/node_modules $(PAGE)/dist
