// Calls of the device's API from its own pages: JSON in and out, the session's token on every change, one kind of error.

/** What the device says when it did not do something: one sentence each for what, why and what to do next. */
export class ApiError extends Error {
  /** @param {{code?: string, what?: string, why?: string, next?: string, key?: string}} body @param {number} status @param {number} [wait] */
  constructor(body, status, wait = 0) {
    super(body.what || "The device did not answer as expected");
    this.code = body.code || "";
    this.why = body.why || "";
    this.next = body.next || "";
    /** The setting or field that it is about, if it is about one. */
    this.key = body.key || "";
    this.status = status;
    /** Seconds until the next try is allowed. */
    this.wait = wait;
  }

  /** All of it in one line. */
  get text() {
    const parts = [this.message, this.why, this.next].filter(Boolean);
    return parts.map((part) => part[0].toUpperCase() + part.slice(1).replace(/\.$/, "")).join(". ") + ".";
  }
}

const token = () => /** @type {HTMLMetaElement|null} */ (document.querySelector('meta[name="csrf-token"]'))?.content;

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>} the JSON of the answer; null where there is none
 * @throws {ApiError}
 */
export async function api(method, path, body, options = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  const csrf = token();
  if (csrf && method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: options.signal, cache: "no-store", redirect: "error" });
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new ApiError({ what: "The device can't be reached", next: "check the network and try again" }, 0);
  }
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    answer = null;
  }
  if (!response.ok) throw new ApiError(answer || {}, response.status, Number(response.headers.get("Retry-After")) || 0);
  return answer;
}
