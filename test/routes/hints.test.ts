import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'

const app = await testApp()

async function post(url: string, payload: object, headers: Record<string, string> = {}) {
  const response = await app.inject({ method: 'POST', url, payload, headers })
  return { headers: response.headers, json: () => response.json(), status: response.statusCode }
}

const detailOf = async (url: string, payload: object): Promise<string> =>
  (await post(url, payload)).json().detail

const logits = [2, 1, 0.5]
const sparse = { vocab_size: 50, token_ids: [3, 1], values: [2, 1] }

describe('an error names what to send instead', () => {
  it.each<[object, string]>([
    [
      { exponential_decay_length_penalty: [5, 1.1] },
      'Expected an object, got an array; it has start and factor',
    ],
    [{ order: ['top_k', 'top_k'] }, 'Expected each sampler once'],
    [{ mirostat: '2' }, 'Expected one of 0, 1, 2, got the text "2"'],
    [{ seeds: [1, 2] }, 'Unknown field "seeds"; use rows to give each row a seed of its own'],
    [
      { rows: [{ logits: [1] }] },
      'Unknown field "logits"; put the logits of all rows into the field logits, beside rows',
    ],
    [
      { logits: [sparse, sparse] },
      'Expected numbers, got a list of objects; send a batch as one object, in which token_ids, values and log_z are lists with an item for each row',
    ],
    [
      { logits: [{ dtype: 'float32', shape: [1], data: 'AAAAAA==' }] },
      'Expected numbers, got a list of objects; send a batch as one tensor of shape [rows, vocabulary size]',
    ],
    [{ logits: { ...sparse, logz: 3 } }, 'Unknown field "logz"; did you mean "log_z"?'],
    [{ random_state: 1 }, 'Unknown field "random_state"; did you mean "seed"?'],
    [
      { no_replacement: true },
      'Unknown field "no_replacement"; replacement: false draws each token at most once',
    ],
  ])('%j', async (fields, detail) => {
    expect(await detailOf('/v1/sample', { logits, ...fields })).toMatch(
      new RegExp(`: ${detail.replace(/[[\]?]/g, '\\$&')}`),
    )
  })

  it.each(['n', 'replacement'])('%s is a field of the other operation', async (name) => {
    const detail = await detailOf('/v1/probabilities', { logits, [name]: 1 })
    expect(detail).toBe(
      `/${name}: Unknown field "${name}"; this operation draws no tokens; send it to POST /v1/sample`,
    )
  })
})

describe('a warning says', () => {
  const warned = async (url: string, fields: object) =>
    (await post(url, { logits, ...fields }))
      .json()
      .warnings.map(({ message }: { message: string }) => message)

  it.each([{ seed: 5 }, { stream: 1 }, { step: 2 }])(
    'that %j has no effect if nothing is drawn',
    async (fields) => {
      const message = 'seed, stream and step have no effect: nothing is drawn'
      expect(await warned('/v1/probabilities', fields)).toEqual([message])
      expect(await warned('/v1/probabilities', { ...fields, xtc_probability: 0.5 })).toEqual([])
      expect(await warned('/v1/sample', fields)).toEqual([])
    },
  )

  it('that probabilities in a tensor are relative to the tokens given', async () => {
    const accept = { accept: 'application/octet-stream' }
    const relative = await post('/v1/probabilities', { logits: sparse }, accept)
    expect(JSON.parse(String(relative.headers['x-warnings']))).toMatchObject([
      { code: 'PROBABILITIES_RELATIVE', row: 0 },
    ])
    const whole = await post('/v1/probabilities', { logits: sparse, top_k: 1 }, accept)
    expect(whole.headers['x-warnings']).toBeUndefined()
  })

  it('how many warnings are left out', async () => {
    const rows = Array.from({ length: 2000 }, () => [1, 2])
    const { warnings } = (await post('/v1/sample', { logits: rows, temperature: 3 })).json()
    expect(warnings.length).toBe(1025)
    expect(warnings.at(-1)).toMatchObject({ code: 'WARNINGS_LEFT_OUT', message: /^976 more/ })
  })
})

it('padding between the tokens of a history is the same in /v1 and /v2', async () => {
  const fields = {
    bad_words_ids: [
      [1, 2],
      [2, 0],
      [0, 1],
    ],
  }
  const output = [0, -1, 1, 0, -1, 2, 0, -1]
  const one = (
    await post('/v1/probabilities', { logits, ...fields, output_token_ids: output })
  ).json()
  const inputs = [
    { name: 'logits', datatype: 'FP32', shape: [3], data: logits },
    { name: 'output_token_ids', datatype: 'INT32', shape: [8], data: output },
  ]
  const parameters = { bad_words_ids: JSON.stringify(fields.bad_words_ids) }
  const two = (await post('/v2/models/probabilities/infer', { inputs, parameters })).json()
  const padded = output.slice(0, -1)
  const trimmed = (
    await post('/v1/probabilities', { logits, ...fields, output_token_ids: padded })
  ).json()
  expect(two.outputs[0].data).toEqual([...Float32Array.from(trimmed.results[0].probabilities)])
  expect(one.results[0].probabilities).not.toEqual(trimmed.results[0].probabilities)
})

/** Processor time of this thread, in milliseconds. */
const used = () => process.threadCpuUsage().user / 1000

it('a shared list of ids is prepared once for many rows', async () => {
  const ids = Array.from({ length: 20_000 }, (_, id) => id)
  const rows = Array.from({ length: 1000 }, () => [0, 1])
  const many = { vocab_size: 100_000, token_ids: rows, values: rows }
  const shared = [
    { allowed_token_ids: ids },
    { banned_token_ids: ids.slice(5) },
    { stop_token_ids: ids.slice(5), min_tokens: 2 },
    { xtc_protected_token_ids: ids, xtc_probability: 1 },
  ]
  const one = { vocab_size: 100_000, token_ids: [0, 1], values: [0, 1] }
  for (const fields of shared) {
    const began = used()
    expect((await post('/v1/sample', { logits: many, seed: 1, ...fields })).status).toBe(200)
    const between = used()
    for (let i = 0; i < 20; i++) await post('/v1/sample', { logits: one, seed: 1, ...fields })
    // Each of the twenty requests prepares the list again.
    expect(between - began).toBeLessThan(3 * (used() - between))
  }
})
