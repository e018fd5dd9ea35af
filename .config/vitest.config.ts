import { defineConfig } from 'vitest/config'

const browser = 'test/browser/**/*.test.ts'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    // The README test starts real servers, and a loaded machine starts them slowly.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A browser takes a core, which those who measure time must not miss; and it measures time itself.
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [browser],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'browser', include: [browser], sequence: { groupOrder: 1 } },
      },
    ],
  },
})
