#!/usr/bin/env node
/* kubectl runs this for "kubectl trigate …" and Tab: https://kubernetes.io/docs/reference/kubectl/kubectl/ (plugins). */
process.argv.splice(2, 0, '__complete');
await import('./trigate.js');
