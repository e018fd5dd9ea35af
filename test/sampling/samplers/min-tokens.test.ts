import fc from 'fast-check'
import { expect, it } from 'vitest'
import { minTokens } from '../../../src/sampling/samplers/min-tokens.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const given = [0.1, 0.2, 0.3, 0.4]
const banned = [0.25, 0, 0.75, 0]

describeSampler(minTokens, {
  cases: [
    [{ min_tokens: 2 }, given, banned, { output: [0], stop: [1, 3] }],
    [{ min_tokens: 2 }, given, given, { output: [0, 0], stop: [1, 3] }],
    // The prompt does not count.
    [{ min_tokens: 2 }, given, banned, { prompt: [0, 0, 0], stop: [3, 1, 3] }],
    [{ min_tokens: 2 }, given, given],
  ],
  rejects: [{ min_tokens: -1 }, { min_tokens: 1.5 }],
  strengths: fc.record({ min_tokens: fc.nat() }),
})

it('reports that there are only stop tokens', () => {
  expect(() => run(Float32Array.of(1, 2), { min_tokens: 1 }, undefined, { stop: [0, 1] })).toThrow(
    'min_tokens leaves no token',
  )
})
