import fc from 'fast-check'
import { expect, it } from 'vitest'
import { topK } from '../../../src/sampling/samplers/top-k.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(topK, {
  cases: [
    [{ top_k: 1 }, [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1]],
    [{ top_k: 3 }, [0.1, 0.2, 0.3, 0.4], [0, 2 / 9, 3 / 9, 4 / 9]],
    [{ top_k: 4 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
    [{ top_k: 1e9 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
    [{ top_k: -1 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
    [{ top_k: 2 }, [0.2, 0.4, 0.2, 0.2], [1 / 3, 2 / 3, 0, 0]], // of tied tokens the lower id
  ],
  rejects: [{ top_k: 1.5 }, { top_k: -2 }, { top_k: '5' }],
  strengths: fc.record({ top_k: fc.integer({ min: 1, max: 50 }) }),
})

it('keeps all ties if the engine does', () => {
  const logits = Float32Array.of(1, 2, 1, 1, 0)
  const kept = (profile: 'kelvin' | 'llama.cpp' | 'vllm' | 'transformers') =>
    run(logits, { top_k: 2, profile }).ids
  expect(kept('kelvin')).toEqual([0, 1])
  expect(kept('llama.cpp')).toEqual([0, 1])
  expect(kept('vllm')).toEqual([0, 1, 2, 3])
  expect(kept('transformers')).toEqual([0, 1, 2, 3])
})

it('leaves min_tokens_to_keep', () => {
  expect(run(Float32Array.of(1, 2, 3, 4), { top_k: 1, min_tokens_to_keep: 3 }).ids).toEqual([
    1, 2, 3,
  ])
})
