import { describe, expect, it } from 'vitest'
import { problems } from '../../src/errors.ts'
import { ProblemDocument } from '../../src/protocols/problem.ts'
import { samplerByName } from '../../src/sampling/registry.ts'
import { testApp } from '../app.ts'

const app = await testApp({ MAX_BODY_BYTES: '2000000', MAX_VOCAB_SIZE: '200000' })

const json = { 'content-type': 'application/json' }
const f32 = (...values: number[]) =>
  Buffer.from(Float32Array.from(values).buffer).toString('base64')

async function send(payload: string | object, headers: Record<string, string> = json) {
  const response = await app.inject({ method: 'POST', url: '/v1/sample', headers, payload })
  expect(response.headers['content-type']).toBe('application/problem+json')
  return { document: ProblemDocument.parse(response.json()), response }
}

it.each([...samplerByName.values()].map(({ name, example }) => [name, example.params]))(
  'a row without any token is refused, with %s',
  async (_, params) => {
    for (const length of [1, 5, 70_000]) {
      const logits = Array.from({ length }, () => '-Infinity')
      const fields = { ...params, return_probabilities: 'none' }
      const { document } = await send({ logits, ...fields })
      // Some examples name tokens that such a short row does not have.
      expect(['NO_TOKEN_LEFT', 'TOKEN_ID_OUT_OF_RANGE', 'VOCABULARY_MISMATCH']).toContain(
        document.code,
      )
    }
  },
)

/** Body, and the status, code, pointer and text of the answer. */
const faults: [
  body: string | object,
  status: number,
  code: string,
  pointer: string,
  words: RegExp,
][] = [
  // The body
  ['', 400, 'EMPTY_BODY', '', /JSON object/],
  ['{', 400, 'INVALID_JSON', '', /JSON/],
  ['{"logits":[1,NaN]}', 400, 'INVALID_JSON', '', /no NaN or Infinity: write −∞ as "-Infinity"/],
  ['{"logits":[1,-Infinity]}', 400, 'INVALID_JSON', '', /"-Infinity"/],
  ['null', 400, 'INVALID_REQUEST', '', /Expected an object, got null/],
  [[1, 2], 400, 'INVALID_REQUEST', '', /Expected an object, got an array/],
  // Fields
  [{}, 400, 'INVALID_REQUEST', '/logits', /Expected a value/],
  [
    { logits: [1], state: { mu: 1 } },
    400,
    'INVALID_REQUEST',
    '/state/mu',
    /^\/state\/mu: Unknown field "mu"$/,
  ],
  [{ logits: [1], topp: 1 }, 400, 'INVALID_REQUEST', '/topp', /did you mean "top_p"/],
  [{ logits: [1], temp: 1 }, 400, 'INVALID_REQUEST', '/temp', /did you mean "temperature"/],
  [{ logits: [1], temperature: -1 }, 400, 'INVALID_REQUEST', '/temperature', /at least 0, got -1/],
  ['{"logits":[1],"temperature":1e999}', 400, 'INVALID_REQUEST', '/temperature', /got Infinity/],
  [{ logits: [1], temperature: '1' }, 400, 'INVALID_REQUEST', '/temperature', /number, got "1"/],
  [{ logits: [1], top_k: 1.5 }, 400, 'INVALID_REQUEST', '/top_k', /an integer, got 1.5/],
  [{ logits: null }, 400, 'INVALID_REQUEST', '/logits', /got null/],
  [{ logits: [1], n: 0 }, 400, 'INVALID_REQUEST', '/n', /at least 1, got 0/],
  [{ logits: [1], seed: -1 }, 400, 'INVALID_REQUEST', '/seed', /0 to 18446744073709551615/],
  [{ logits: [1], seed: 2 ** 53 }, 400, 'INVALID_REQUEST', '/seed', /as strings/],
  [
    { logits: [1], seed: '18446744073709551616' },
    400,
    'INVALID_REQUEST',
    '/seed',
    /Expected an integer/,
  ],
  [{ logits: [1], seed: '0x1' }, 400, 'INVALID_REQUEST', '/seed', /got "0x1"/],
  [
    { logits: [1], step: '9007199254740992' },
    400,
    'INVALID_REQUEST',
    '/step',
    /Expected an integer/,
  ],
  [{ logits: [1], seed: -1 }, 400, 'INVALID_REQUEST', '/seed', /got -1; omit it for a random seed/],
  [
    { logits: [1], seed: 2 ** 70 },
    400,
    'INVALID_REQUEST',
    '/seed',
    /strings; omit it for a random/,
  ],
  [
    { logits: [1], stream: true },
    400,
    'INVALID_REQUEST',
    '/stream',
    /got true; .*does not stream the answer/,
  ],
  [{ logits: [1], max_tokens: 9 }, 400, 'INVALID_REQUEST', '/max_tokens', /Kelvin draws one step/],
  [{ logits: [1], foo: 1 }, 400, 'INVALID_REQUEST', '/foo', /^\/foo: Unknown field "foo"$/],
  [
    { logits: [1], rows: [{ rep_pen: 1.1 }] },
    400,
    'INVALID_REQUEST',
    '/rows/0/rep_pen',
    /did you mean "repetition_penalty"/,
  ],
  [{ logits: [1], profile: 'ollama' }, 400, 'INVALID_REQUEST', '/profile', /"vllm", got "ollama"/],
  [{ logits: [1], order: ['top_q'] }, 400, 'INVALID_REQUEST', '/order/0', /got "top_q"/],
  [{ logits: [1], order: ['top_k', 'top_k'] }, 400, 'INVALID_REQUEST', '/order', /once/],
  [{ logits: [1], rows: [{}, {}] }, 400, 'INVALID_REQUEST', '/rows', /Expected 1 objects/],
  [
    { logits: [1], rows: [{ logits: [2] }] },
    400,
    'INVALID_REQUEST',
    '/rows/0/logits',
    /Unknown field/,
  ],
  [
    { logits: [1], rows: [{ top_p: 2 }] },
    400,
    'INVALID_REQUEST',
    '/rows/0/top_p',
    /at most 1, got 2/,
  ],
  // Logits
  [{ logits: 'abc' }, 400, 'INVALID_REQUEST', '/logits', /got "abc"/],
  [{ logits: [] }, 400, 'INVALID_REQUEST', '/logits', /empty/],
  [{ logits: [[]] }, 400, 'INVALID_REQUEST', '/logits/0', /empty/],
  [{ logits: [1, null] }, 400, 'INVALID_REQUEST', '/logits/1', /row 0, index 1, got null/],
  [{ logits: [1, 'x'] }, 400, 'INVALID_REQUEST', '/logits/1', /got "x"/],
  [{ logits: [1, [2]] }, 400, 'INVALID_REQUEST', '/logits/1', /got an array/],
  [
    { logits: [[1, 2], [3]] },
    400,
    'INVALID_REQUEST',
    '/logits/1',
    /2 logits like the first, got 1/,
  ],
  [{ logits: [[1, 2], 3] }, 400, 'INVALID_REQUEST', '/logits/1', /got 3/],
  [
    {
      logits: [
        [1, 2],
        [3, true],
      ],
    },
    400,
    'INVALID_REQUEST',
    '/logits/1/1',
    /row 1, index 1, got true/,
  ],
  ['{"logits":[1,1e400]}', 422, 'LOGITS_NOT_FINITE', '/logits/1', /row 0, index 1, got Infinity/],
  [{ logits: [1e39] }, 422, 'LOGITS_NOT_FINITE', '/logits/0', /got Infinity as float32/],
  [{ logits: ['-Infinity', '-Infinity'] }, 422, 'NO_TOKEN_LEFT', '/logits', /row 0: all/],
  [{ logits: [[1], ['-Infinity']] }, 422, 'NO_TOKEN_LEFT', '/logits/1', /row 1: all/],
  // Tensors
  [{ logits: {} }, 400, 'INVALID_REQUEST', '/logits/dtype', /Expected a value/],
  [
    { logits: { dtype: 'int8', shape: [1], data: '' } },
    400,
    'INVALID_REQUEST',
    '/logits/dtype',
    /"int8"/,
  ],
  [
    { logits: { dtype: 'float32', shape: [], data: '' } },
    400,
    'INVALID_REQUEST',
    '/logits/shape',
    /one dimension/,
  ],
  [
    { logits: { dtype: 'float32', shape: [1, 1, 1], data: '' } },
    400,
    'INVALID_REQUEST',
    '/logits/shape',
    /at most 2/,
  ],
  [
    { logits: { dtype: 'float32', shape: [2], data: f32(1) } },
    400,
    'INVALID_REQUEST',
    '/logits/data',
    /takes 8 bytes, got 4/,
  ],
  [
    { logits: { dtype: 'float32', shape: [1], data: '*' } },
    400,
    'INVALID_REQUEST',
    '/logits/data',
    /base64/,
  ],
  [
    { logits: { dtype: 'float32', shape: [1], data: 'AAAAAA' } },
    400,
    'INVALID_REQUEST',
    '/logits/data',
    /base64/,
  ],
  [
    { logits: { dtype: 'float32', shape: [2, 2], data: f32(1, 2, 3, Number.NaN) } },
    422,
    'LOGITS_NOT_FINITE',
    '/logits/data',
    /row 1, index 1, got NaN/,
  ],
  [
    { logits: { dtype: 'float32', shape: [1], data: f32(Number.POSITIVE_INFINITY) } },
    422,
    'LOGITS_NOT_FINITE',
    '/logits/data',
    /got Infinity/,
  ],
  [
    { logits: { dtype: 'float32', shape: [1], data: f32(Number.NEGATIVE_INFINITY) } },
    422,
    'NO_TOKEN_LEFT',
    '/logits/data',
    /row 0/,
  ],
  // Long lists and texts, which are never JavaScript values
  [
    new Array(3000).fill(1),
    400,
    'INVALID_REQUEST',
    '',
    /The body: Expected an object, got an array/,
  ],
  [
    `"${'A'.repeat(9000)}"`,
    400,
    'INVALID_REQUEST',
    '',
    /The body: Expected an object, got a string/,
  ],
  [{ logits: 'A'.repeat(9000) }, 400, 'INVALID_REQUEST', '/logits', /got a string of 9000 char/],
  [
    { logits: [1], state: 'A'.repeat(9000) },
    400,
    'INVALID_REQUEST',
    '/state',
    /Expected an object, got a string of 9000 characters/,
  ],
  [
    { logits: [1], sequence_bias: ['é'.repeat(9000)] },
    400,
    'INVALID_REQUEST',
    '/sequence_bias/0',
    /got a string of 9000 characters/,
  ],
  [
    { logits: [new Array(3000).fill(1), new Array(3000).fill(1).with(70, null)] },
    400,
    'INVALID_REQUEST',
    '/logits/1/70',
    /row 1, index 70, got null/,
  ],
  [
    { logits: [...new Array(3000).fill([1]), 5] },
    400,
    'INVALID_REQUEST',
    '/logits/3000',
    /Expected a row of 1 logits like the first, got 5/,
  ],
  [
    { logits: [1], prompt_token_ids: new Array(5000).fill(7).with(4500, 1.5) },
    400,
    'INVALID_REQUEST',
    '/prompt_token_ids/4500',
    /Expected a token id, got 1.5/,
  ],
  [
    { logits: new Array(3000).fill([1]), rows: new Array(3000).fill(1) },
    400,
    'INVALID_REQUEST',
    '/rows/0',
    /Expected an object, got 1/,
  ],
  [
    { logits: new Array(65_537).fill([1]) },
    422,
    'TOO_MANY_ROWS',
    '/logits',
    /at most 65536 rows, got 65537/,
  ],
  // Limits
  [
    { logits: new Array(4097).fill([1]) },
    422,
    'TOO_MANY_ROWS',
    '/logits',
    /4097 rows, and the limit is 4096/,
  ],
  [
    { logits: new Array(200).fill([1, 2]), n: 65_536 },
    422,
    'ANSWER_TOO_LARGE',
    '/n',
    /26214800 numbers, and the limit is 8388608; n takes 26214400/,
  ],
  [
    { logits: new Array(4096).fill([1]), logprob_token_ids: new Array(1000).fill(0) },
    422,
    'ANSWER_TOO_LARGE',
    '/logprob_token_ids',
    /; logprob_token_ids takes 12288000 of them/,
  ],
  [
    { logits: new Array(4096).fill([1]), watch_token_ids: new Array(1000).fill(0) },
    422,
    'ANSWER_TOO_LARGE',
    '/watch_token_ids',
    /; watch_token_ids takes 32768000 of them/,
  ],
  [
    {
      logits: [[1], [1]],
      rows: [{ watch_token_ids: new Array(800_000).fill(0) }, {}],
    },
    422,
    'ANSWER_TOO_LARGE',
    '/rows/0/watch_token_ids',
    /800000 tokens of a row, and the limit is 262144/,
  ],
  [
    { logits: new Array(4096).fill([1, 2]), banned_token_ids: new Array(200_000).fill(0) },
    422,
    'WORK_TOO_LARGE',
    '/banned_token_ids',
    /4096 rows of 2 entries .* about 8\.2e9 steps, and the limit is 4e9 \(MAX_WORK\); banned_token_ids takes 8\.2e9/,
  ],
  [
    {
      logits: new Array(1000).fill([1, 2]),
      prompt_token_ids: new Array(16_000).fill(0),
      dry_multiplier: 1,
      no_repeat_ngram_size: 3,
      repetition_penalty: 2,
      presence_penalty: 2,
      frequency_penalty: 2,
      profile: 'llama.cpp',
      rows: new Array(1000).fill({
        order: [
          'dry',
          'no_repeat_ngram',
          'repetition_penalty',
          'presence_penalty',
          'frequency_penalty',
        ],
      }),
    },
    422,
    'WORK_TOO_LARGE',
    '/dry_multiplier',
    /16000000 tokens of history .*; dry_multiplier takes 1\.6e9/,
  ],
  [
    { logits: new Array(4000).fill([1]), prompt_token_ids: new Array(4200).fill(0) },
    422,
    'HISTORY_TOO_LARGE',
    '/prompt_token_ids',
    /16800000 tokens of history, and the limit is 16777216; prompt_token_ids has 16800000/,
  ],
  [
    { logits: [1], bad_words_ids: new Array(65_537).fill([0]) },
    400,
    'INVALID_REQUEST',
    '/bad_words_ids',
    /at most 65536 sequences, got 65537/,
  ],
  [
    { logits: [1], prompt_token_ids: new Array(65_537).fill([]) },
    400,
    'INVALID_REQUEST',
    '/prompt_token_ids',
    /at most 65536 lists, got 65537/,
  ],
  // Token ids
  [
    { logits: [1, 2], banned_token_ids: [0, 2] },
    422,
    'TOKEN_ID_OUT_OF_RANGE',
    '/banned_token_ids/1',
    /Token id 2 .* 2 entries/,
  ],
  [
    { logits: [1, 2], allowed_token_ids: [-1] },
    400,
    'INVALID_REQUEST',
    '/allowed_token_ids/0',
    /got -1/,
  ],
  [
    { logits: [1, 2], logit_bias: { 2: 1 } },
    422,
    'TOKEN_ID_OUT_OF_RANGE',
    '/logit_bias/2',
    /Token id 2/,
  ],
  [
    { logits: [1, 2], logit_bias: { two: 1 } },
    400,
    'INVALID_REQUEST',
    '/logit_bias/two',
    /token id as key/,
  ],
  [
    { logits: [1, 2], logprob_token_ids: [7] },
    422,
    'TOKEN_ID_OUT_OF_RANGE',
    '/logprob_token_ids/0',
    /Token id 7/,
  ],
  [
    { logits: [[1], [2]], rows: [{}, { banned_token_ids: [1] }] },
    422,
    'TOKEN_ID_OUT_OF_RANGE',
    '/rows/1/banned_token_ids/0',
    /Token id 1/,
  ],
  [
    { logits: [1, 2], banned_token_ids: [0, 1] },
    422,
    'NO_TOKEN_LEFT',
    '/logits',
    /mask leaves no token/,
  ],
  [
    { logits: [1, 2], token_bitmask: 'AAAAAAAAAAA=' },
    422,
    'VOCABULARY_MISMATCH',
    '/token_bitmask',
    /1 words, got 2/,
  ],
  [
    { logits: [1, 2], token_bitmask: 'AAA=' },
    400,
    'INVALID_REQUEST',
    '/token_bitmask',
    /got 2 bytes/,
  ],
  [{ logits: [1, 2], n: 3, replacement: false }, 422, 'TOO_FEW_TOKENS', '/n', /3 different tokens/],
  [
    { logits: new Array(200_001).fill(0) },
    422,
    'VOCABULARY_TOO_LARGE',
    '/logits',
    /200001 entries, and the limit is 200000/,
  ],
]

describe('a bad request names its place', () => {
  it.each(faults.map((fault) => ({ sent: JSON.stringify(fault[0]).slice(0, 80), fault })))(
    '$sent',
    async ({ fault: [body, status, code, pointer, words] }) => {
      const { document, response } = await send(body)
      expect({ status: response.statusCode, code: document.code }).toEqual({ status, code })
      expect(document.detail).toMatch(words)
      if (pointer) expect(document.errors[0]!.pointer).toBe(pointer)
      expect(document.request_id).toBe(response.headers['x-request-id'])
    },
  )
})

describe('HTTP', () => {
  it('a large body gets a 413, and the next request works', async () => {
    const { document } = await send(`{"logits":[${'1,'.repeat(1_000_000)}1]}`)
    expect(document.code).toBe('BODY_TOO_LARGE')
    const next = await app.inject({ method: 'POST', url: '/v1/sample', payload: { logits: [1] } })
    expect(next.statusCode).toBe(200)
  })

  it.each([
    [{ 'content-type': 'text/plain' }, /"text\/plain"/],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, /a string of 33 characters|form/],
  ])('another content type gets a 415 that names the accepted ones: %j', async (headers, words) => {
    const { document, response } = await send('a=1', headers)
    expect(document).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
    expect(document.detail).toMatch(words)
    expect(response.headers.accept).toBe('application/json, application/octet-stream')
  })

  it('an unknown URL gets a 404, and another method a 405 with Allow', async () => {
    const nowhere = await app.inject('/v1/nowhere?x=1')
    expect(nowhere.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    const wrong = await app.inject({ method: 'DELETE', url: '/v1/sample' })
    expect(wrong.json()).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
    expect(wrong.headers.allow).toBe('POST')
  })

  it.each(['/:a(b', '/a:(', '/:', '/*', '/v1/*'])('a URL is no pattern: %s', async (url) => {
    const response = await app.inject({ method: 'DELETE', url })
    expect(ProblemDocument.parse(response.json()).code).toBe('NOT_FOUND')
  })

  it('a malformed URL gets a problem document, too', async () => {
    const response = await app.inject('/v1/%zz')
    expect(ProblemDocument.parse(response.json()).code).toBe('INVALID_URL')
  })

  it('a request id of the client is kept if it is valid, otherwise replaced', async () => {
    const idFor = async (id: string) =>
      (await app.inject({ url: '/livez', headers: { 'x-request-id': id } })).headers['x-request-id']
    expect(await idFor('abc-1.2:3')).toBe('abc-1.2:3')
    for (const id of ['a b', '{"x":1}', 'x'.repeat(129), '']) {
      expect(await idFor(id)).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})

it('prototype keys are unknown fields like any other', async () => {
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    const { document } = await send(`{"logits":[1],"${key}":{"polluted":true}}`)
    expect(document.errors[0]!.pointer).toBe(`/${key}`)
  }
  expect({}).not.toHaveProperty('polluted')
})

it('every code has a status and a title of its own', () => {
  for (const [status, title] of Object.values(problems)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(title).toMatch(/^[A-Z].*[^.]$/)
  }
})
