/**
 * The Socket.IO client, which comes from npm and not with the repository.
 */

const PATH = "/console/vendor/socket.io.esm.min.js";

/**
 * Return the client's `io`, or null where the file isn't there.
 *
 * Imported when asked rather than at the top of a module: a static import that fails would take
 * the whole page with it, and nobody would read why.
 *
 * @returns {Promise<((namespace: string, options: object) => any) | null>}
 */
export async function loadClient() {
  try {
    return (await import(PATH)).io;
  } catch {
    return null;
  }
}
