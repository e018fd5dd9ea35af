import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mask } from '../../../src/sampling/samplers/mask.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const bits = (...words: number[]) => new Uint8Array(Int32Array.from(words).buffer).toBase64()

describeSampler(mask, {
  cases: [
    [{ allowed_token_ids: [1, 3] }, [0.1, 0.2, 0.3, 0.4], [0, 1 / 3, 0, 2 / 3]],
    [{ allowed_token_ids: [1, 1] }, [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 0]],
    [{ token_bitmask: bits(0b0110) }, [0.1, 0.2, 0.3, 0.4], [0, 0.4, 0.6, 0]],
    [
      { allowed_token_ids: [0, 1, 2], banned_token_ids: [0], token_bitmask: bits(0b1101) },
      [0.1, 0.2, 0.3, 0.4],
      [0, 0, 1, 0],
    ],
  ],
  rejects: [
    { allowed_token_ids: 3 },
    { allowed_token_ids: [1.5] },
    { banned_token_ids: [-1] },
    { banned_token_ids: ['1'] },
    { token_bitmask: 'AAA' },
    { token_bitmask: 'AAAA' },
  ],
  strengths: fc.constantFrom({}, { banned_token_ids: [] }),
})

it('reads bit id & 31 of word id >> 5, also the sign bit', () => {
  const logits = new Float32Array(70)
  const { ids } = run(logits, { token_bitmask: bits(1 << 31, 1, 0b100000) })
  expect(ids).toEqual([31, 32, 69])
})

it('names the row and the sampler that left no token', () => {
  expect(() => run(Float32Array.of(1, 2), { allowed_token_ids: [] })).toThrow(
    'Cannot sample row 0: mask leaves no token',
  )
})
