/** Addresses may carry a user and a password (`nats://user:pass@host`), also inside the text of an error. */
export const withoutCredentials = (text: string): string => text.replace(/:\/\/[^\s/@"\\]+@/g, '://[redacted]@');
