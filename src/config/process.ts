import type { Environment } from './merge.ts';

/** The environment of this process. Nothing else reads it. */
export const processEnvironment = (): Environment => process.env;
