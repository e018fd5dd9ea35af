import { expect, it } from 'vitest'
import { soak } from '../../bench/soak.ts'

it('a mixed load leaves nothing behind, and answers are the same at its end', async () => {
  const { figures, faults } = await soak(8, 20_000)
  // In seconds memory has not settled; minutes by command tell.
  expect(faults.filter((fault) => fault !== 'Memory grows')).toEqual([])
  expect(figures.requests).toBeGreaterThan(200)
}, 60_000)
