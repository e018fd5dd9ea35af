import * as z from 'zod'
import { reusable } from '../../algorithms/reusable.ts'
import { mapLogits, setTemperature } from '../row/changes.ts'
import { totalMass } from '../row/statistics.ts'
import { firstFrom } from '../row/tokens.ts'
import { defineSampler } from '../sampler.ts'

/** The shape of the preference, from the original method: a logit of PEAK at the target. WIDTH is the unit of the distance to it. */
const PEAK = 5
const SHARPNESS = 10
const WIDTH = 0.3

/** The largest decay: with 1, old tokens would never lose weight. */
const LONGEST = 0.99

/** An upper bound of the total weight: with a decay of 0.99 it is at most 100. */
const MOST_WEIGHT = 1000

const beforeOf = reusable()

export const adaptiveP = defineSampler({
  name: 'adaptive_p',
  title: 'Adaptive-p',
  meaning:
    'Prefers tokens whose probability is near a target, and moves the target so that the tokens drawn are near it on average.',
  reference: {
    title: 'llama.cpp, adaptive-p sampler (pull request 17927)',
    url: 'https://github.com/ggml-org/llama.cpp/pull/17927',
  },
  stage: 'draw',
  fields: {
    adaptive_target: z
      .number()
      .min(-1)
      .max(1)
      .meta({
        description:
          'Target probability, from 0 to 1. A negative value keeps the distribution as it is (off).',
        'x-typical': [0.3, 0.9],
      })
      .default(-1),
    adaptive_decay: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Weight of the tokens drawn before, from 0 (none) to 0.99. A larger value counts as 0.99. No effect while `adaptive_target` is negative (off).',
        'x-typical': [0.5, 0.99],
      })
      .default(0.9),
  },
  state: {
    adaptive_weighted_sum: z.number().min(0).max(MOST_WEIGHT).meta({
      description:
        'Weighted sum of the probabilities of the drawn tokens. Begins at target / (1 − decay).',
    }),
    adaptive_total_weight: z.number().min(0).max(MOST_WEIGHT).meta({
      description:
        'Sum of the weights, by which the sum of probabilities is divided. Begins at 1 / (1 − decay).',
    }),
  },
  example: {
    // Distances of 0, 1 and 5/3 widths to the target: logits 5, 0 and −5.42.
    params: { adaptive_target: 0.6 },
    given: [0.6, 0.3, 0.1],
    gives: [0.9932776, 0.0066927, 0.0000297],
  },

  cost: (_params, { size }) => 40 * size,
  active: ({ adaptive_target }) => adaptive_target >= 0,
  *apply(row, { adaptive_target, adaptive_decay }, _rules, { state }) {
    const decay = Math.min(adaptive_decay, LONGEST)
    const weight = state.adaptive_total_weight ?? 1 / (1 - decay)
    const sum = state.adaptive_weighted_sum ?? adaptive_target / (1 - decay)
    const aim = weight > 0 ? 2 * adaptive_target - sum / weight : adaptive_target
    const target = Math.min(1, Math.max(0, aim))

    row.gather()
    const total = totalMass(row)
    const before = beforeOf(row.count())
    before.set(row.views.masses.subarray(0, before.length))
    row.shift = 0
    yield* mapLogits(row, (_, mass) => {
      const distance = Math.abs(mass / total - target) / WIDTH
      return PEAK - (SHARPNESS * distance * distance) / (1 + distance)
    })
    setTemperature(row, 1)
    return (tokenId) => ({
      adaptive_weighted_sum:
        before[firstFrom(row.views.ids, tokenId, before.length)]! / total + decay * sum,
      adaptive_total_weight: 1 + decay * weight,
    })
  },
})
