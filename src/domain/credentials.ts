/** Addresses may carry a user and a password (`nats://user:pass@host`), also inside the text of an error. */
export const withoutCredentials = (text: string): string => text.replace(/:\/\/[^\s/@"\\]+@/g, '://[redacted]@');

/** The same for one whole value, however it is written: a password may hold anything. */
export const withoutLogin = (value: string): string =>
  value.replace(/^([a-z][a-z0-9+.-]*:[/\\]*).*@/is, '$1[redacted]@');
