import { oncePer, oncePerWork } from '../../algorithms/once.ts'
import { type SequenceBias, sequenceBiases } from '../../fields/biases.ts'
import { completionsOf, mayComplete } from '../history/completions.ts'
import { addToLogit } from '../row/changes.ts'
import { defineSampler, warnOfBias } from '../sampler.ts'

export const sequenceBias = defineSampler({
  name: 'sequence_bias',
  title: 'Sequence bias',
  meaning: 'Adds a number to the logit of a token that would complete a given sequence of tokens.',
  reference: {
    title: 'transformers, `SequenceBiasLogitsProcessor`',
    url: 'https://huggingface.co/docs/transformers/internal/generation_utils#transformers.SequenceBiasLogitsProcessor',
  },
  stage: 'mask',
  fields: {
    sequence_bias: sequenceBiases(
      'Biases for sequences of token ids: if prompt and output end with all tokens of a sequence except its last, the bias is added to the logit of the last. A bias is any finite number, or "-Infinity" to ban the token. A sequence of one token always applies. Biases that apply to the same token add up. An id outside the vocabulary is an error. [] changes nothing (off).',
    ).prefault([]),
  },
  example: {
    // Doubles the odds of token 1 after token 0.
    params: { sequence_bias: [{ token_ids: [0, 1], bias: Math.LN2 }] },
    history: { output: [0] },
    given: [0.25, 0.25, 0.5],
    gives: [0.2, 0.4, 0.4],
  },

  active: ({ sequence_bias }) => sequence_bias.length > 0,
  cost: ({ sequence_bias }, history) => TOKEN * mostOf(sequence_bias)(history),
  *apply(row, { sequence_bias }, _rules, history) {
    const biases = yield* biasesOf(sequence_bias)
    yield* biases.visit(history, (token, bias) => addToLogit(row, token, bias))
  },
  warn({ sequence_bias }) {
    for (const [i, { bias }] of sequence_bias.entries()) {
      const warning = warnOfBias(`The bias of sequence_bias[${i}]`, bias)
      if (warning) return warning
    }
    return undefined
  },
})

const mostOf = oncePer((given: readonly SequenceBias[]) => mayComplete(given.map(({ ids }) => ids)))

const biasesOf = oncePerWork(completionsOf)

/** Steps for a sequence that would be completed. */
const TOKEN = 300
