import { defineConfig } from 'vitest/config'

/** Browsers and compilers take a core, which tests that measure time must not miss; and a browser's measure it too. */
const last = [
  'test/browser/**/*.test.ts',
  'test/examples.test.ts',
  'test/fuzz/**/*.test.ts',
  'test/overload.test.ts',
  'test/playground/snippets.test.ts',
  'test/soak.test.ts',
]

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    // The README test starts real servers, and a loaded machine starts them slowly.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'first',
          include: ['test/**/*.test.ts'],
          exclude: last,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'last', include: last, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
