import { distinct, oncePer, oncePerWork } from '../../algorithms/once.ts'
import { finish } from '../../algorithms/pausing.ts'
import { tokenSequences } from '../../fields/token-ids.ts'
import { completionsOf, mayComplete } from '../history/completions.ts'
import { remove } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

const noTokens = new Uint32Array(0)

export const badWords = defineSampler({
  name: 'bad_words',
  title: 'Bad words',
  meaning: 'Bans a token that would complete one of the given sequences of tokens.',
  reference: {
    title: 'transformers, `NoBadWordsLogitsProcessor`',
    url: 'https://huggingface.co/docs/transformers/internal/generation_utils#transformers.NoBadWordsLogitsProcessor',
  },
  stage: 'mask',
  fields: {
    bad_words_ids: tokenSequences(
      'Sequences of token ids that must not occur. If prompt and output end with all tokens of a sequence except its last, the last is banned; a sequence of one token is always banned. An id outside the vocabulary is an error. [] bans nothing (off). If no token is left, the answer is a 422.',
    ).prefault([]),
  },
  rules: {
    /** The tokens in which a sequence may begin: `all` is prompt and output, as in transformers; `output` is the output only, as in vLLM. */
    scope: 'all' as 'all' | 'output',
    /** transformers never bans a token that ends a text, unless it completes a longer sequence. */
    spares_stop: false as boolean,
  },
  example: {
    params: { bad_words_ids: [[0, 1]] },
    history: { output: [0] },
    given: [0.25, 0.25, 0.5],
    gives: [1 / 3, 0, 2 / 3],
  },

  active: ({ bad_words_ids }) => bad_words_ids.length > 0,
  cost: ({ bad_words_ids }, history) => TOKEN * mostOf(bad_words_ids)(history),
  *apply(row, { bad_words_ids }, { scope, spares_stop }, { prompt, output, stop }) {
    const history = { prompt: scope === 'all' ? prompt : noTokens, output }
    const spared = distinct(spares_stop ? stop : noTokens)
    const bans = yield* bansOf(bad_words_ids)
    const banned = new Uint32Array(bans.count(history))
    let count = 0
    yield* bans.visit(history, (token, _bias, length) => {
      if (length > 1 || !spared.has(token)) banned[count++] = token
    })
    yield* finish(remove(row, banned.subarray(0, count)))
  },
})

/** Steps for a sequence that would be completed. */
const TOKEN = 100

const mostOf = oncePer(mayComplete)

const bansOf = oncePerWork((sequences: readonly Uint32Array[]) =>
  completionsOf(sequences.map((ids) => ({ ids, bias: Number.NEGATIVE_INFINITY }))),
)
