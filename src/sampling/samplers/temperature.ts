import * as z from 'zod'
import { log, pow } from '../../kernel/index.ts'
import { setTemperature } from '../row/changes.ts'
import { keepGreedy } from '../row/cuts.ts'
import { countInPlay, entropy } from '../row/statistics.ts'
import { defineSampler } from '../sampler.ts'

/** Above this, output quality is known to fall. */
const KNOWN_GOOD = 2

export const temperature = defineSampler({
  name: 'temperature',
  title: 'Temperature',
  meaning:
    'Divides every logit: a temperature above 1 flattens the distribution, one below 1 sharpens it.',
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
          'Randomness of the draw: p = exp((logit − max) / temperature), normalised. Any finite number from 0: 0 always takes the most likely token, 1 leaves the distribution as it is (off). Above 2 text is usually incoherent, and the answer has a warning.',
        'x-typical': [0, 1.5],
      })
      .default(1),
    dynatemp_range: z
      .number()
      .min(0)
      .meta({
        description:
          'Largest amount by which the entropy of a row changes the temperature, as in llama.cpp. The temperature is `temperature` − this value (at least 0) if one token is certain, and `temperature` + this value if all are equally likely. Any finite number from 0; 0 keeps the temperature fixed (off).',
        'x-typical': [0, 1],
      })
      .default(0),
    dynatemp_exponent: z
      .number()
      .min(0)
      .meta({
        description:
          'Exponent in the rule of `dynatemp_range`: temperature = lowest + (highest − lowest) · (entropy / largest possible entropy)^exponent. Any finite number from 0; 1 is linear. No effect while `dynatemp_range` is 0 (off).',
        'x-typical': [0.5, 2],
      })
      .default(1),
  },
  rules: {
    /** The smallest temperature above 0: vLLM raises lower ones to 0.01 (`SamplingParams`, `_MAX_TEMP`). */
    floor: 0 as number,
    /** Whether the largest possible entropy counts masked tokens. llama.cpp counts them until a filter cuts them. */
    counts_masked: false as boolean,
    /** Whether `dynatemp_range` has an effect. In llama.cpp it has none with mirostat. */
    dynamic: true as boolean,
  },
  example: {
    params: { temperature: 0.5 },
    given: [0.5, 0.25, 0.25],
    gives: [2 / 3, 1 / 6, 1 / 6],
  },

  cost: ({ dynatemp_range }, { size }) => (dynatemp_range > 0 ? 3 * size : 0),
  active: ({ temperature, dynatemp_range }) => temperature !== 1 || dynatemp_range > 0,
  leavesOne: ({ temperature, dynatemp_range }, { dynamic }) =>
    temperature === 0 && (dynatemp_range === 0 || !dynamic),
  apply(
    row,
    { temperature, dynatemp_range, dynatemp_exponent },
    { floor, counts_masked, dynamic },
  ) {
    if (dynatemp_range > 0 && dynamic) {
      const count = counts_masked ? row.listed : countInPlay(row)
      if (count < 2) return
      const low = Math.max(0, temperature - dynatemp_range)
      const high = Math.min(temperature + dynatemp_range, Number.MAX_VALUE)
      temperature = low + (high - low) * pow(entropy(row) / log(count), dynatemp_exponent)
    }
    if (temperature === 0) keepGreedy(row)
    else setTemperature(row, row.temperature * Math.max(temperature, floor))
  },
  warn({ temperature, dynatemp_range }, { floor, dynamic }) {
    if (dynatemp_range > 0 && !dynamic) {
      const message =
        "dynatemp_range has no effect: this profile's engine keeps the temperature fixed here"
      return { code: 'PARAMETER_WITHOUT_EFFECT', message }
    }
    const highest = Math.min(temperature + dynatemp_range, Number.MAX_VALUE)
    if (highest > KNOWN_GOOD) {
      return {
        code: 'HIGH_TEMPERATURE',
        message: `temperature ${highest} is above ${KNOWN_GOOD}: expect incoherent output`,
      }
    }
    if (highest > 0 && temperature < floor && dynatemp_range === 0) {
      return {
        code: 'TEMPERATURE_RAISED',
        message: `temperature ${temperature} is raised to ${floor}, as this profile's engine does`,
      }
    }
    return undefined
  },
})
