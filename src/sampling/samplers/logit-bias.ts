import { finish } from '../../algorithms/pausing.ts'
import { tokenBiases } from '../../fields/biases.ts'
import { addToLogit, remove } from '../row/changes.ts'
import { defineSampler, swallowsLogit, warnOfBias } from '../sampler.ts'

export const logitBias = defineSampler({
  name: 'logit_bias',
  title: 'Logit bias',
  meaning: 'Adds a number to the logits of chosen tokens.',
  reference: {
    title: 'OpenAI API reference, `logit_bias`',
    url: 'https://platform.openai.com/docs/api-reference/chat/create',
  },
  stage: 'mask',
  fields: {
    logit_bias: tokenBiases(
      'Number to add to the logit of each token id: any finite number, or "-Infinity" to ban the token. An id outside the vocabulary is an error. {} changes nothing (off).',
    ).prefault({}),
  },
  example: {
    // Adding ln 2 doubles the odds.
    params: { logit_bias: { 0: Math.LN2 } },
    given: [0.25, 0.25, 0.5],
    gives: [0.4, 0.2, 0.4],
  },

  /** The largest absolute bias: vLLM clamps biases to ±100, including −∞. 0 is no limit. */
  rules: { limit: 0 as number },
  active: ({ logit_bias }) => logit_bias.ids.length > 0,
  cost: ({ logit_bias: { ids } }, { size }) => TOKEN * ids.length + size,
  *apply(row, { logit_bias: { ids, biases } }, { limit }) {
    if (limit === 0) {
      yield* finish(
        remove(
          row,
          ids.filter((_, i) => biases[i] === Number.NEGATIVE_INFINITY),
        ),
      )
    }
    for (let i = 0; i < ids.length; i++) {
      if (i % FEW === FEW - 1) yield
      const bias = biases[i]!
      addToLogit(row, ids[i]!, limit > 0 ? Math.min(limit, Math.max(-limit, bias)) : bias)
    }
  },
  warn({ logit_bias: { ids, biases } }, { limit }) {
    const clamped = limit > 0 ? biases.findIndex((bias) => Math.abs(bias) > limit) : -1
    if (clamped >= 0) {
      return {
        code: 'BIAS_CLAMPED',
        message: `logit_bias of token ${ids[clamped]} is clamped to ±${limit}, as this profile's engine does; ban tokens with banned_token_ids`,
      }
    }
    const swallowing = biases.findIndex(swallowsLogit)
    return swallowing < 0
      ? undefined
      : warnOfBias(`logit_bias of token ${ids[swallowing]}`, biases[swallowing]!)
  },
})

/** Steps for a token, and the number of tokens that are changed between two pauses. */
const TOKEN = 120
const FEW = 2 ** 13
