import { defineConfig } from 'vitest/config'

/** The tiers, which test/README.md explains: a test's name says which it is in. */
const PROCESS = 'test/**/*.process.test.ts'
const CI = 'test/**/*.ci.test.ts'

const root = new URL('..', import.meta.url).pathname

/** Compiled code of Node processes before, which saves each a quarter of its start. */
const env = { NODE_COMPILE_CACHE: `${root}node_modules/.cache/node` }

export default defineConfig({
  test: {
    root,
    // A loaded machine is slow.
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
          // One after the other: each of them has the machine to itself.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
