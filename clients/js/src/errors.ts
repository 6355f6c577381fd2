/**
 * What can go wrong. The first eight codes are the server's (docs/protocol.md); of the others,
 * `disconnected` and `timeout` say that no answer came, `closed` that nothing waits for one any more.
 */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "token_expired"
  | "forbidden"
  | "too_large"
  | "rate_limited"
  | "unavailable"
  | "internal"
  | "disconnected"
  | "timeout"
  | "closed";

/** The server's error object. */
export interface ErrorObject {
  code: ErrorCode;
  message: string;
  /** Older servers don't say. */
  temporary?: boolean;
  fields?: Record<string, string>;
  retry_after?: number;
  /** Of a refused connection, and of `conflict`. */
  reason?: string;
}

// Of this library's own errors, and of servers that don't say which are temporary.
const TEMPORARY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["rate_limited", "unavailable", "internal", "disconnected", "timeout"] as const),
]);

/** The one error that this library rejects with and tells of. */
export class HearthError extends Error {
  override readonly name = "HearthError";

  /**
   * @param code what went wrong, for programs
   * @param message what went wrong, for people; with what is wrong in which field
   * @param fields of `invalid`: dotted path of each offending field → what is wrong with it
   * @param retryAfter of `rate_limited`: seconds after which the same may succeed
   * @param temporary whether the same may succeed another time
   * @param reason what a refused connection is refused for, as `origin` or `host`
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly fields?: Readonly<Record<string, string>>,
    readonly retryAfter?: number,
    readonly temporary: boolean = TEMPORARY.has(code),
    readonly reason?: string,
  ) {
    super(message);
  }

  static from({ code, message, fields, retry_after, temporary, reason }: ErrorObject): HearthError {
    const problems = Object.entries(fields ?? {}).map(([field, problem]) => (field ? `${field}: ${problem}` : problem));
    // Newer servers say the first of them in the message.
    const whole = [message, ...problems.filter((problem) => !message.includes(problem))].join(" ");
    return new HearthError(code, whole, fields, retry_after, temporary, reason);
  }

  /** An `invalid` one, of one field. */
  static of(field: string, problem: string): HearthError {
    const message = `The request is not valid: ${field}: ${problem}`; // as the server says it
    return HearthError.from({ code: "invalid", message, fields: { [field]: problem } });
  }

  static closed(): HearthError {
    return new HearthError("closed", "It was closed.");
  }

  static disconnected(): HearthError {
    return new HearthError("disconnected", "There is no connection to the server.");
  }
}
