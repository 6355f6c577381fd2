// What npm runs for a dependency on this folder: it links the folder, but installs nothing in it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

if (!existsSync(join(ROOT, "node_modules/typescript/bin/tsc"))) {
  const options = ["--ignore-scripts", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  // The outer npm's own settings would have it install there.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith("_local_prefix")));
  const { status } = spawnSync("npm", ["install", ...options], {
    ...{ cwd: ROOT, env, stdio: "inherit" },
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(status ?? 1);
}
await import("./build.mjs");
