import * as z from 'zod'
import { defineSampler } from '../sampler.ts'

/** Above this, output quality is known to fall. */
const KNOWN_GOOD = 2

export const temperature = defineSampler({
  name: 'temperature',
  title: 'Temperature',
  meaning:
    'Divides every logit, so a larger value flattens the distribution and a smaller one sharpens it.',
  reference: {
    title: 'Ackley, Hinton, Sejnowski: A learning algorithm for Boltzmann machines (1985)',
    url: 'https://doi.org/10.1207/s15516709cog0901_7',
  },
  stage: 'temperature',
  fields: {
    temperature: z
      .number()
      .min(0)
      .meta({
        description:
          'Randomness of the draw: p = exp((logit − max) / temperature), normalised. Any finite number from 0; ' +
          '0 always takes the most likely token, 1 leaves the distribution as it is (off), ' +
          'and above 2 output is known to suffer, which the answer says in `warnings`.',
        'x-typical': [0, 1.5],
      })
      .default(1),
  },
  /** vLLM raises every temperature between 0 and 0.01 to 0.01 (`SamplingParams`, `_MAX_TEMP`). */
  rules: { floor: 0 as number },
  example: {
    params: { temperature: 0.5 },
    given: [0.5, 0.25, 0.25],
    gives: [2 / 3, 1 / 6, 1 / 6],
  },

  active: ({ temperature }) => temperature !== 1,
  apply(row, { temperature }, { floor }) {
    if (temperature === 0) row.keepGreedy()
    else row.temperature *= Math.max(temperature, floor)
  },
  warn({ temperature }, { floor }) {
    if (temperature > KNOWN_GOOD) {
      return {
        code: 'HIGH_TEMPERATURE',
        message: `temperature ${temperature} is above ${KNOWN_GOOD}: expect incoherent output`,
      }
    }
    if (temperature > 0 && temperature < floor) {
      return {
        code: 'TEMPERATURE_RAISED',
        message: `temperature ${temperature} is raised to ${floor}, as this profile's engine does`,
      }
    }
    return undefined
  },
})
