import * as z from 'zod'
import { countFromLargest, mapLogits } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

export const smoothing = defineSampler({
  name: 'smoothing',
  title: 'Quadratic smoothing',
  meaning:
    'Replaces the distance of each logit to the largest one by a parabola: likely tokens come closer together, unlikely ones move away.',
  reference: {
    title: 'kalomaze: quadratic sampling, text-generation-webui #5403 and #5551',
    url: 'https://github.com/oobabooga/text-generation-webui/pull/5403',
  },
  stage: 'temperature',
  fields: {
    smoothing_factor: z
      .number()
      .min(0)
      .max(100)
      .meta({
        description:
          'Steepness of the parabola: a tempered logit at a distance d below the largest moves to factor · d² below it. From 0 to 100; 0 changes nothing (off).',
        'x-typical': [0.1, 1.5],
      })
      .default(0),
    smoothing_curve: z
      .number()
      .min(1)
      .max(10)
      .meta({
        description:
          'Weight of a cubic term, from 1 (none) to 10: the distance becomes factor · ((3 − curve) / 2 · d² + (curve − 1) / 2 · d³). Above 3, tokens just below the most likely one overtake it. No effect while `smoothing_factor` is 0 (off).',
        'x-typical': [1, 3],
      })
      .default(1),
  },
  example: {
    // Logits one and two bits below the largest move to 1² and 2² bits below it.
    params: { smoothing_factor: 1 / Math.LN2 },
    given: [4 / 7, 2 / 7, 1 / 7],
    gives: [16 / 25, 8 / 25, 1 / 25],
  },

  cost: (_params, { size }) => 25 * size,
  active: ({ smoothing_factor }) => smoothing_factor > 0,
  *apply(row, { smoothing_factor, smoothing_curve }) {
    const square = (3 - smoothing_curve) / 2
    const cube = (smoothing_curve - 1) / 2
    countFromLargest(row)
    const max = row.max()
    const { temperature } = row
    yield* mapLogits(row, (logit) => {
      // At this distance a token has no mass already; the cap keeps the powers from overflowing to NaN.
      const d = Math.min((max - logit) / temperature, 1e100)
      return max - temperature * (smoothing_factor * d * d * (square + cube * d))
    })
  },
})
