import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'

/** Ids in a history that are no tokens: padding, images, tokens of another vocabulary. */

const app = await testApp()
const even = [0, 0, 0, 0]
const MARKS = [-1, -100, -(2 ** 31), 4, 2 ** 31 - 1]

async function post(payload: object) {
  const response = await app.inject({ method: 'POST', url: '/v1/probabilities', payload })
  return { status: response.statusCode, ...response.json() }
}

const keptOf = ({ results }: { results: { probabilities: number[] }[] }) =>
  results.map(({ probabilities }) => even.map((_, id) => id).filter((id) => probabilities[id]! > 0))

/** Samplers that would change the logit of a token of a history, and the part that they read. */
const users: [name: string, params: object, parts: string[]][] = [
  ['repetition_penalty', { repetition_penalty: 1.5 }, ['prompt', 'output']],
  ['frequency_penalty', { frequency_penalty: 1 }, ['output']],
  ['frequency_penalty', { frequency_penalty: 1, profile: 'llama.cpp' }, ['prompt', 'output']],
  ['presence_penalty', { presence_penalty: 1 }, ['output']],
  ['presence_penalty', { presence_penalty: 1, profile: 'llama.cpp' }, ['prompt', 'output']],
  ['encoder_repetition_penalty', { encoder_repetition_penalty: 1.5 }, ['prompt']],
  ['no_repeat_ngram', { no_repeat_ngram_size: 1 }, ['prompt', 'output']],
  ['dry', { dry_multiplier: 1, dry_allowed_length: 0 }, ['prompt', 'output']],
  ['min_tokens', { min_tokens: 9 }, ['stop']],
  ['length_penalty', { exponential_decay_length_penalty: { start: -1, factor: 2 } }, ['stop']],
]

const places = users.flatMap(([name, params, parts]) =>
  parts.map((part) => ({ name, params, field: `${part}_token_ids` })),
)

describe.each(places)('$name and $field', ({ name, params, field }) => {
  it.each(MARKS)('%i gets an error that names both', async (id) => {
    const others = { prompt_token_ids: [3], output_token_ids: [2], stop_token_ids: [1] }
    expect((await post({ logits: even, ...params, ...others })).status).toBe(200)
    const given = { logits: even, ...params, ...others, [field]: [0, id] }
    const { status, code, errors } = await post(given)
    expect({ status, code }).toEqual({ status: 422, code: 'TOKEN_ID_OUT_OF_RANGE' })
    expect(errors[0]).toEqual({
      pointer: `/${field}/1`,
      detail: `Token id ${id} is outside the vocabulary of 4 entries, and ${name} would change its logit; leave the id out`,
    })
    // A sampler that is not in the order causes no error.
    expect((await post({ ...given, order: ['temperature'] })).status).toBe(200)
  })
})

describe('padding is no error if no sampler would change its logit', () => {
  const history = { prompt_token_ids: [-1, -1, 0, 1], output_token_ids: [4, 0, -1] }

  it.each([
    {},
    { temperature: 0.5, top_p: 0.9, top_k: 2, xtc_probability: 1 },
    { banned_token_ids: [1], logit_bias: { 2: 1 } },
    { bad_words_ids: [[0, 1]], sequence_bias: [{ token_ids: [0, 2], bias: 3 }] },
    { stop_token_ids: [-1, 99] },
    { repetition_penalty: 1.5, penalty_last_n: 0 },
  ])('with %j', async (params) => {
    expect((await post({ logits: even, ...history, ...params })).status).toBe(200)
    const batch = {
      logits: [even, even],
      prompt_token_ids: [[-1], [0]],
      output_token_ids: [[], [-1, 7]],
    }
    expect((await post({ ...batch, ...params })).status).toBe(200)
  })

  it('among stop tokens, when the text is long enough', async () => {
    const params = { logits: even, min_tokens: 2, stop_token_ids: [1, 99] }
    expect((await post({ ...params, output_token_ids: [0, 0] })).status).toBe(200)
    const { errors } = await post({ ...params, output_token_ids: [0] })
    expect(errors[0].pointer).toBe('/stop_token_ids/1')
  })

  it('outside the window', async () => {
    const params = { logits: even, repetition_penalty: 2, penalty_last_n: 2 }
    const padded = await post({ ...params, output_token_ids: [-1, -1, 0, 1] })
    expect(padded.status).toBe(200)
    expect(padded).toEqual(await post({ ...params, output_token_ids: [0, 1] }))
    const { errors } = await post({ ...params, output_token_ids: [0, -1, 1, -1, 1] })
    expect(errors[0].pointer).toBe('/output_token_ids/3')
  })

  it('in sequences: it matches none, and separates the tokens around it', async () => {
    const banned = { logits: even, bad_words_ids: [[0, 1, 2]] }
    expect(keptOf(await post({ ...banned, output_token_ids: [0, 1] }))).toEqual([[0, 1, 3]])
    expect(keptOf(await post({ ...banned, output_token_ids: [0, -1, 1] }))).toEqual([[0, 1, 2, 3]])
    const ngrams = { logits: even, no_repeat_ngram_size: 2 }
    const history = [-1, -1, 0, 1, 4, 0]
    expect(keptOf(await post({ ...ngrams, output_token_ids: history }))).toEqual([[0, 2, 3]])
  })

  it('in n-grams and DRY, unless it would follow', async () => {
    const after = { output_token_ids: [0, -1, 0] }
    for (const params of [
      { no_repeat_ngram_size: 2 },
      { dry_multiplier: 1, dry_allowed_length: 1 },
    ]) {
      expect((await post({ logits: even, ...params, ...after })).status).toBe(422)
      const before = { output_token_ids: [-1, 0, 1] }
      expect((await post({ logits: even, ...params, ...before })).status).toBe(200)
    }
  })
})

describe('the place of the padding', () => {
  const params = { logits: [even, even], repetition_penalty: 2 }

  it.each([
    [{ output_token_ids: [0, 9] }, '/output_token_ids/1'],
    [{ output_token_ids: [[0], [1, 2, 9]] }, '/output_token_ids/1/2'],
    [{ rows: [{}, { prompt_token_ids: [-1] }] }, '/rows/1/prompt_token_ids/0'],
    [
      { prompt_token_ids: [[0], [1]], rows: [{}, { output_token_ids: [2, -7] }] },
      '/rows/1/output_token_ids/1',
    ],
  ])('%j', async (given, pointer) => {
    expect((await post({ ...params, ...given })).errors[0].pointer).toBe(pointer)
  })

  it('is found in a long history, in a large vocabulary, and in a sparse row', async () => {
    const long = Array.from({ length: 5000 }, (_, i) => i % 3)
    const large = Array.from({ length: 5000 }, (_, i) => i % 7)
    const sparse = { vocab_size: 5000, token_ids: [0, 1], values: [2, 1] }
    for (const logits of [large, sparse]) {
      for (const id of [-1, 5000]) {
        const request = { logits, repetition_penalty: 2, prompt_token_ids: long.with(4321, id) }
        const { errors } = await post(request)
        expect(errors[0].pointer).toBe('/prompt_token_ids/4321')
        expect((await post({ ...request, repetition_penalty: 1 })).status).toBe(200)
      }
    }
  })
})

describe('a value that is no integer', () => {
  it.each([1.5, 2 ** 31, -(2 ** 31) - 1, 'a', null, true])('is an error: %j', async (id) => {
    for (const length of [1, 5000]) {
      const output_token_ids = new Array(length).fill(0).with(length - 1, id)
      const { status, errors } = await post({ logits: even, output_token_ids })
      const pointer = `/output_token_ids/${length - 1}`
      expect({ status, pointer: errors[0].pointer }).toEqual({ status: 400, pointer })
    }
  })
})

it('a query may have padding, and so may a tensor of /v2, where negative ids are padding', async () => {
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/probabilities?output_token_ids=-1,0,9',
    payload: Buffer.concat([Buffer.from(Float32Array.from(even).buffer)]),
    headers: { 'content-type': 'application/octet-stream' },
  })
  expect(answer.statusCode).toBe(200)
  const inputs = [
    { name: 'logits', datatype: 'FP32', shape: [1, 4], data: even },
    { name: 'output_token_ids', datatype: 'INT64', shape: [1, 3], data: [0, 9, -1] },
  ]
  const infer = async (parameters: object) =>
    (
      await app.inject({
        method: 'POST',
        url: '/v2/models/sample/infer',
        payload: { inputs, parameters },
      })
    ).json()
  expect(await infer({})).toHaveProperty('outputs')
  expect((await infer({ repetition_penalty: 2 })).error).toMatch(
    /Token id 9 is outside .* repetition_penalty would change its logit/,
  )
})
