// Builds dist: ES modules, and in dist/cjs the same as CommonJS for Jest, older Metro and `require`.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

function compile(...options) {
  const tsc = [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", "tsconfig.build.json", ...options];
  const { status } = spawnSync(process.execPath, tsc, { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(DIST, { recursive: true, force: true });
compile();
const commonJs = ["--module", "CommonJS", "--moduleResolution", "Bundler", "--verbatimModuleSyntax", "false"];
compile(...commonJs, "--outDir", "dist/cjs");
writeFileSync(join(DIST, "cjs/package.json"), '{ "type": "commonjs" }\n');
