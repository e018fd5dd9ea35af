import * as z from 'zod'
import { finish, type Pausing } from '../../algorithms/pausing.ts'
import { exp, log, pow } from '../../kernel/index.ts'
import { keepTop, keepWithin } from '../row/cuts.ts'
import { largestLogits } from '../row/ranking.ts'
import type { Row } from '../row/row.ts'
import { countInPlay, logprob, logTotal } from '../row/statistics.ts'
import { defineSampler } from '../sampler.ts'

/** Bits in a nat. */
const LOG2_E = 1 / log(2)

/** The largest μ, in bits. No token is as surprising, so it removes none. */
const MOST_MU = 1e6

/** The number of most likely tokens to which version 1 fits a line. */
const FITTED = 100

export const mirostat = defineSampler({
  name: 'mirostat',
  title: 'Mirostat',
  meaning:
    'Keeps the surprise of the text near a target: removes the tokens more surprising than μ, and moves μ after each draw.',
  reference: {
    title:
      'Basu et al.: Mirostat, a neural text decoding algorithm that directly controls perplexity (2020)',
    url: 'https://arxiv.org/abs/2007.14966',
  },
  stage: 'draw',
  fields: {
    mirostat: z
      .literal([0, 1, 2])
      .meta({
        title: 'MirostatVersion',
        description:
          'Version of mirostat. 1 estimates the number of tokens to keep from the slope of the 100 most likely ones. 2 removes the tokens whose surprise exceeds μ, a bound that moves after each draw. 0 keeps all (off).',
        'x-typical': [2, 2],
      })
      .default(0),
    mirostat_tau: z
      .number()
      .min(0)
      .max(1000)
      .meta({
        description:
          'Target surprise, in bits, from 0 to 1000. No effect while `mirostat` is 0 (off).',
        'x-typical': [3, 8],
      })
      .default(5),
    mirostat_eta: z
      .number()
      .min(0)
      .max(1000)
      .meta({
        description:
          'Rate at which μ follows the surprise of the drawn token, from 0 to 1000; 0 never moves it. No effect while `mirostat` is 0 (off).',
        'x-typical': [0.05, 0.3],
      })
      .default(0.1),
  },
  state: {
    mirostat_mu: z
      .number()
      .min(-MOST_MU)
      .max(MOST_MU)
      .meta({ description: 'μ, the largest surprise to allow, in bits. Begins at 2 τ.' }),
  },
  /** Whether `min_tokens_to_keep` holds here; in llama.cpp it does not. */
  rules: { keeps_minimum: true as boolean },
  example: {
    // μ begins at 2 bits, which removes tokens with a probability below 1/4.
    params: { mirostat: 2, mirostat_tau: 1 },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [0, 0, 3 / 7, 4 / 7],
  },

  cost: ({ mirostat }, { size }) => (mirostat === 1 ? 2 : 10) * size,
  active: ({ mirostat }) => mirostat > 0,
  *apply(row, { mirostat, mirostat_tau, mirostat_eta }, { keeps_minimum }, { state }) {
    const mu = state.mirostat_mu ?? 2 * mirostat_tau
    const atLeast = keeps_minimum ? row.minTokensToKeep : 1
    yield* finish(
      mirostat === 1
        ? keepTop(row, yield* countFor(row, mu), false, atLeast)
        : keepWithin(row, mu / LOG2_E - logTotal(row), row.temperature, atLeast),
    )
    return (tokenId) => {
      const surprise = -logprob(row, row.logitOf(tokenId)) * LOG2_E
      const next = mu - mirostat_eta * (surprise - mirostat_tau)
      return { mirostat_mu: Math.min(MOST_MU, Math.max(-MOST_MU, next)) }
    }
  },
})

/** The number of tokens whose average surprise is at most μ, if probabilities follow Zipf's law. */
function* countFor(row: Row, mu: number): Pausing<number> {
  const largest = yield* largestLogits(row, FITTED)
  const logprobs = largest.map((logit) => logprob(row, logit))
  let products = 0
  let squares = 0
  for (let i = 0; i + 1 < logprobs.length; i++) {
    const step = log((i + 2) / (i + 1))
    const drop = logprobs[i]! - logprobs[i + 1]!
    if (drop === Number.POSITIVE_INFINITY) break
    products += step * drop
    squares += step * step
  }
  const slope = products / squares
  const epsilon = slope - 1
  const count = pow((epsilon * exp(mu / LOG2_E)) / (1 - pow(row.vocabSize, -epsilon)), 1 / slope)
  return Number.isFinite(count) ? Math.max(1, Math.floor(count)) : countInPlay(row)
}
