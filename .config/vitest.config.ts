import { defineConfig } from 'vitest/config'

/** The tiers of tests (test/README.md). The name of a test file tells its tier. */
const PROCESS = 'test/**/*.process.test.ts'
const CI = 'test/**/*.ci.test.ts'

const root = new URL('..', import.meta.url).pathname

/** A cache of compiled code, which saves each Node process a quarter of its start. */
const env = { NODE_COMPILE_CACHE: `${root}node_modules/.cache/node` }

export default defineConfig({
  test: {
    root,
    // Long enough for a machine under load.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 5000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [PROCESS, CI],
          setupFiles: ['test/no-process.ts'],
          pool: 'threads',
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: [PROCESS],
          env,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'ci',
          include: [CI],
          env,
          // One at a time, so that each has the whole machine.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
