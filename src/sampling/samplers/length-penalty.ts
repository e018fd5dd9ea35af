import * as z from 'zod'
import { distinct } from '../../algorithms/once.ts'
import { pow } from '../../kernel/index.ts'
import { known } from '../history/history.ts'
import { raiseUnseen, setLogit } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

/** The largest growth, about the largest float32. A larger one would have the same effect. */
const MOST_GROWTH = 3.4e38

export const lengthPenalty = defineSampler({
  name: 'length_penalty',
  title: 'Exponential decay length penalty',
  meaning: 'Makes the stop tokens more likely with every token past a given output length.',
  reference: {
    title: 'transformers, `ExponentialDecayLengthPenalty`',
    url: 'https://huggingface.co/docs/transformers/internal/generation_utils#transformers.ExponentialDecayLengthPenalty',
  },
  stage: 'penalty',
  fields: {
    exponential_decay_length_penalty: z
      .strictObject({
        start: z.int().meta({
          description:
            'Output length in tokens, without the prompt, past which the stop tokens become more likely.',
          'x-typical': [0, 512],
        }),
        factor: z
          .number()
          .min(0)
          .max(1000)
          .meta({
            description:
              'Growth for each token, from 0 to 1000. Past `start`, |logit| · (factor^(length − start) − 1) is added to the logit of each stop token. 1 adds nothing; below 1 makes the stop tokens less likely.',
            'x-typical': [1.01, 1.5],
          }),
      })
      .meta({
        title: 'LengthPenalty',
        description:
          'Makes the tokens of `stop_token_ids` more likely as the output grows: {start, factor}. Omitted: no change (off).',
      })
      .optional(),
  },
  example: {
    // One token past the start, ln(1/4) is raised by its absolute value, to 0.
    params: { exponential_decay_length_penalty: { start: 1, factor: 2 } },
    history: { output: [1, 2], stop: [0] },
    given: [0.25, 0.25, 0.5],
    gives: [4 / 7, 1 / 7, 2 / 7],
  },

  needsStop: true,
  warn({ exponential_decay_length_penalty: decay }) {
    if (decay?.factor !== 1) return undefined
    const message = 'length_penalty has no effect: its factor is 1'
    return { code: 'PARAMETER_WITHOUT_EFFECT', message }
  },
  cost: (_params, { stop }) => TOKEN * stop.length,
  active: ({ exponential_decay_length_penalty: decay }) => decay !== undefined,
  *apply(row, { exponential_decay_length_penalty: decay }, _rules, { output, stop }) {
    const { start, factor } = decay!
    if (output.length <= start) return
    const growth = Math.min(pow(factor, output.length - start), MOST_GROWTH)
    let done = 0
    for (const id of distinct(stop)) {
      if (++done % FEW === 0) yield
      const logit = row.logitOf(known(row, id, 'stop'))
      raiseUnseen(row, id)
      setLogit(row, id, logit + Math.abs(logit + row.shift) * (growth - 1))
    }
  },
})

/** Steps for a stop token, and the number of them that are changed between two pauses. */
const TOKEN = 120
const FEW = 2 ** 13
