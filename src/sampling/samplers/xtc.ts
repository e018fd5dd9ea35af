import * as z from 'zod'
import { distinct } from '../../algorithms/once.ts'
import { finish, type Pausing } from '../../algorithms/pausing.ts'
import { tokenIds } from '../../fields/token-ids.ts'
import { exp, log } from '../../kernel/index.ts'
import { purposes } from '../philox.ts'
import { putBack, remove } from '../row/changes.ts'
import { tokensFrom } from '../row/ranking.ts'
import type { Row } from '../row/row.ts'
import { hasAtLeast, logprob, logTotal } from '../row/statistics.ts'
import type { Tokens } from '../row/tokens.ts'
import { defineSampler } from '../sampler.ts'

/** With more tokens, the work pauses. */
const MANY = 2 ** 15

export const xtc = defineSampler({
  name: 'xtc',
  title: 'Exclude top choices',
  meaning:
    'With a given probability, removes all tokens above a threshold except the least likely of them, so that text is less predictable.',
  reference: {
    title: 'Weidmann: Exclude top choices, text-generation-webui #6335 (2024)',
    url: 'https://github.com/oobabooga/text-generation-webui/pull/6335',
  },
  stage: 'truncation',
  fields: {
    xtc_probability: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Probability of removing tokens, from 0 to 1: 1 always, 0 never (off). A random number at (seed, stream, step) decides.',
        'x-typical': [0.1, 0.5],
      })
      .default(0),
    xtc_threshold: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Threshold: the smallest probability of a token that may be removed, from 0 to 1. Two tokens must reach it, so above 0.5 nothing happens. No effect while `xtc_probability` is 0 (off).',
        'x-typical': [0.05, 0.2],
      })
      .default(0.1),
    xtc_mode: z
      .enum(['sample', 'expected'])
      .meta({
        title: 'XtcMode',
        description:
          '`sample`: a random number decides whether tokens are removed. `expected`: the distribution is the average of both cases, weighted by their probabilities, as in exllamav3. No effect while `xtc_probability` is 0 (off).',
      })
      .default('sample'),
    xtc_protected_token_ids: tokenIds(
      'Token ids that are never removed, and do not count among those that reach the threshold, such as those of line breaks and the end of the text. [] protects none (off).',
    ).prefault([]),
  },
  /** Whether masked tokens in the list of candidates count towards `min_tokens_to_keep`, as in llama.cpp. */
  rules: { counts_masked: false as boolean },
  example: {
    params: { xtc_probability: 1, xtc_threshold: 0.15 },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [1 / 3, 2 / 3, 0, 0],
  },

  cost: ({ xtc_threshold, xtc_mode }, { size }) =>
    5 * size + Math.min(size, 1 / xtc_threshold) * (xtc_mode === 'expected' ? 120 : 40),
  active: ({ xtc_probability }) => xtc_probability > 0,
  *apply(row, params, { counts_masked }, context) {
    const { xtc_probability, xtc_threshold, xtc_mode, xtc_protected_token_ids } = params
    const isProtected = distinct(xtc_protected_token_ids)
    const reaching = yield* tokensFrom(row, xtc_threshold)
    if (reaching.ids.length > MANY) yield
    const likely = isProtected.size > 0 ? only(reaching, (id) => !isProtected.has(id)) : reaching
    const count = likely.ids.length
    if (count < 2) return
    const needed = row.minTokensToKeep + count - 1
    if (counts_masked ? row.listed < needed : !hasAtLeast(row, needed)) return

    // Ids ascend, so the last of the smallest logits is the last of the ranking.
    let least = 0
    if (count > MANY) yield
    for (let i = 1; i < count; i++) if (likely.logits[i]! <= likely.logits[least]!) least = i
    if (count > MANY) yield
    const excluded = only(likely, (_, i) => i !== least)
    if (count > MANY) yield
    if (xtc_mode === 'expected') {
      yield* excludeOnAverage(row, excluded, xtc_probability)
    } else if (context.uniform(purposes.roll) < xtc_probability) {
      yield* finish(remove(row, excluded.ids))
      row.listed -= excluded.ids.length
    }
  },
  warn({ xtc_threshold, xtc_protected_token_ids }) {
    if (xtc_threshold > 0.5) {
      const message = `xtc has no effect: no two tokens can both reach xtc_threshold ${xtc_threshold}`
      return { code: 'PARAMETER_WITHOUT_EFFECT', message }
    }
    if (xtc_threshold > 0) return undefined
    const others = xtc_protected_token_ids.length > 0 ? ' beside the protected ones' : ''
    const message = `every token reaches xtc_threshold 0, so only the least likely one stays${others}`
    return { code: 'XTC_EXCLUDES_ALL', message }
  },
})

/**
 * Averages both cases. With `probability`, the excluded tokens have probability 0 and the others share 1; otherwise all
 * keep theirs. Everything is in logarithms, because the probability of the others together may underflow float64.
 */
function* excludeOnAverage(row: Row, { ids, logits }: Tokens, probability: number): Pausing {
  const logprobs = new Float64Array(ids.length)
  for (let i = 0; i < ids.length; i++) {
    if (i % MANY === MANY - 1) yield
    logprobs[i] = logprob(row, logits[i]!)
  }
  const max = row.max()
  const before = logTotal(row)
  yield* finish(remove(row, ids))
  if (ids.length > MANY) yield
  const logRest = (row.max() - max) / row.temperature + logTotal(row) - before
  if (probability === 1) return
  const stays = 1 - probability
  const scale = log(stays) - log(probability + stays * exp(logRest))
  for (let i = 0; i < ids.length; i++) logprobs[i]! += scale
  if (ids.length > MANY) yield
  yield* putBack(row, ids, logprobs)
}

function only(tokens: Tokens, isWanted: (id: number, index: number) => boolean): Tokens {
  const ids = new Uint32Array(tokens.ids.length)
  const logits = new Float64Array(ids.length)
  let count = 0
  for (let i = 0; i < ids.length; i++) {
    if (!isWanted(tokens.ids[i]!, i)) continue
    ids[count] = tokens.ids[i]!
    logits[count++] = tokens.logits[i]!
  }
  return { ids: ids.subarray(0, count), logits: logits.subarray(0, count) }
}
