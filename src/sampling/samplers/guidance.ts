import * as z from 'zod'
import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { logitRows } from '../../fields/logits.ts'
import { exp, log } from '../../kernel/index.ts'
import { mapLogits } from '../row/changes.ts'
import { logTotal } from '../row/statistics.ts'
import { defineSampler } from '../sampler.ts'

export const guidance = defineSampler({
  name: 'guidance',
  title: 'Classifier-free guidance',
  meaning:
    'Moves the distribution away from the one that the same model has without the condition, for example without the prompt.',
  reference: {
    title: 'Sanchez et al.: Stay on topic with classifier-free guidance (2023)',
    url: 'https://arxiv.org/abs/2306.17806',
  },
  stage: 'mask',
  fields: {
    guidance_scale: z
      .number()
      .min(0)
      .max(1000)
      .meta({
        description:
          'Strength of guidance: ln p becomes scale · (ln p − ln u) + ln u, where u is the distribution of `unconditional_logits`. From 0 to 1000: 0 is u itself, 1 is the logits as sent (off), and above 1 the condition counts for more.',
        'x-typical': [1, 3],
      })
      .default(1),
    unconditional_logits: logitRows(
      'Logits of the same model without the condition or with its opposite, in one of the forms of `logits`: a row, a row for each row of a batch, or a tensor. A token at −∞ here gets the lowest other logit here; a token at −∞ in `logits` stays out of play. Omitted: no guidance (off).',
    ).optional(),
  },
  example: {
    // The odds between two tokens are squared and divided by their unconditional odds.
    params: { guidance_scale: 2, unconditional_logits: [0, 0, 0] },
    given: [0.25, 0.25, 0.5],
    gives: [1 / 6, 1 / 6, 4 / 6],
  },

  cost: (_params, { size }) => 50 * size,
  active: ({ guidance_scale }) => guidance_scale !== 1,
  *apply(row, { guidance_scale, unconditional_logits }) {
    if (!unconditional_logits) return
    // Lists of rows are split before samplers run, so this is one row.
    const other = unconditional_logits as Float32Array
    const { least, logSum } = yield* survey(other)
    row.gather()
    const { views, temperature } = row
    const { ids } = views
    const max = row.max()
    const logSumInPlay = logTotal(row)
    row.shift = 0
    let next = 0
    // The row stores logits times the temperature, so the new logits are multiplied, too.
    yield* mapLogits(row, (logit) => {
      const conditional = logit - max - temperature * logSumInPlay
      const unconditional = temperature * (Math.max(other[ids[next++]!]!, least) - logSum)
      return guidance_scale * (conditional - unconditional) + unconditional
    })
  },
  warn({ guidance_scale, unconditional_logits }) {
    if (unconditional_logits) return undefined
    return {
      code: 'GUIDANCE_WITHOUT_LOGITS',
      message: `guidance_scale ${guidance_scale} has no effect without unconditional_logits; send them, or omit guidance_scale`,
    }
  },
})

/** The lowest logit above −∞, and ln Σ e^logit. */
function* survey(logits: Float32Array): Pausing<{ least: number; logSum: number }> {
  let max = Number.NEGATIVE_INFINITY
  let least = Number.POSITIVE_INFINITY
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!
    if (logit > max) max = logit
    if (logit < least && logit > Number.NEGATIVE_INFINITY) least = logit
  }
  let sum = 0
  for (let id = 0; id < logits.length; id++) {
    if (id % PART === PART - 1) yield
    sum += exp(logits[id]! - max)
  }
  return { least, logSum: max + log(sum) }
}
