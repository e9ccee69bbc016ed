import { defineConfig } from 'vitest/config';

const setupFiles = ['test/support/leaks.ts'];

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line.ts'],
    globalSetup: ['test/services/setup.ts'],
    // The first hook that asks for a shared service may have to build it (test/services).
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    maxWorkers: 2,
    // kafkajs 2.2.4 computes one of its timers from a time in the past (tulios/kafkajs#1751); Node.js 24 says so each time.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'triggers/**/*.test.ts'],
          setupFiles,
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: { name: 'architecture', include: ['test/*.test.ts'], setupFiles },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/{support,services,conformance,integration,e2e,chaos,chart}/**/*.test.ts'],
          setupFiles,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
