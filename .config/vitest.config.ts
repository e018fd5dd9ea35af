import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    // The README test starts real servers, and a loaded machine starts them slowly.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
