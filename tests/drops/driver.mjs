// What the clients in Node share: orders come on stdin, and what happens is told on stdout, a line of
// JSON each. See tests/drops/node_client.py.
import { createInterface } from "node:readline";

export const say = (happening) => process.stdout.write(JSON.stringify(happening) + "\n");

/** Carry out `{"do": name, …}` by the function of that name, until stdin ends. */
export function obey(commands) {
  createInterface({ input: process.stdin, crlfDelay: Infinity })
    .on("line", (line) => {
      const command = JSON.parse(line);
      commands[command.do](command);
    })
    .on("close", () => process.exit(0));
}
