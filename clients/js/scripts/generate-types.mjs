// Writes TypeScript of the JSON Schema that comes on stdin to stdout; see `make types-js`.
import { text } from "node:stream/consumers";
import { compile } from "json-schema-to-typescript";

const BANNER = "// Made from schemas/*.py by `make types-js`; don't edit.";
// What the compiler says of each definition, and helps nobody.
const REFERENCED = /( \*\n)? \* This interface was referenced by `\w+`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g;
const EMPTY_COMMENT = /\/\*\*\n \*\/\n/g;

const schema = JSON.parse(await text(process.stdin));
const source = await compile(schema, schema.title, { bannerComment: BANNER, unreachableDefinitions: true });
process.stdout.write(source.replace(REFERENCED, "").replace(EMPTY_COMMENT, ""));
