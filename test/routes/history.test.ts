import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'

const app = await testApp()

async function post(payload: object) {
  const response = await app.inject({ method: 'POST', url: '/v1/probabilities', payload })
  return { status: response.statusCode, ...response.json() }
}

const even = [0, 0, 0, 0]
const kept = ({ results }: { results: { probabilities: number[] }[] }) =>
  results.map(({ probabilities }) => [0, 1, 2, 3].filter((id) => probabilities[id]! > 0))

describe('histories over the wire', () => {
  it('may be one for the request, or one for each row', async () => {
    const batch = { logits: [even, even], no_repeat_ngram_size: 2 }
    expect(kept(await post({ ...batch, output_token_ids: [0, 1, 0] }))).toEqual([
      [0, 2, 3],
      [0, 2, 3],
    ])
    const own = {
      prompt_token_ids: [
        [0, 1],
        [2, 3],
      ],
      output_token_ids: [[0], [2]],
    }
    expect(kept(await post({ ...batch, ...own }))).toEqual([
      [0, 2, 3],
      [0, 1, 2],
    ])
  })

  it('have stop tokens, which a row may override', async () => {
    const { results } = await post({
      logits: [even, even],
      min_tokens: 1,
      stop_token_ids: [3],
      rows: [{}, { stop_token_ids: [0, 1] }],
    })
    expect(kept({ results })).toEqual([
      [0, 1, 2],
      [2, 3],
    ])
  })

  it.each([
    [{ bad_words_ids: [[0], [1, 4]] }, '/bad_words_ids/1/1'],
    [{ dry_sequence_breakers: [[4]] }, '/dry_sequence_breakers/0/0'],
    [{ sequence_bias: [{ token_ids: [4], bias: 1 }] }, '/sequence_bias/0/token_ids/0'],
  ])('may not have a token outside the vocabulary in %j', async (params, pointer) => {
    const { status, errors } = await post({ logits: even, ...params })
    expect(status).toBe(422)
    expect(errors[0]).toEqual({
      pointer,
      detail: 'Token id 4 is outside the vocabulary of 4 entries',
    })
  })
})

describe('unconditional_logits over the wire', () => {
  const batch = { logits: [even, even], guidance_scale: 2 }
  const favourite = ({ results }: { results: { probabilities: number[] }[] }) =>
    results.map(({ probabilities }) => probabilities.indexOf(Math.max(...probabilities)))

  it('may be one row for all, one for each, or one in rows', async () => {
    expect(favourite(await post({ ...batch, unconditional_logits: [1, 0, 1, 1] }))).toEqual([1, 1])
    const each = [
      [1, 0, 1, 1],
      [1, 1, 1, 0],
    ]
    expect(favourite(await post({ ...batch, unconditional_logits: each }))).toEqual([1, 3])
    const data = Buffer.from(new Float32Array(each.flat()).buffer).toString('base64')
    const tensor = { dtype: 'float32', shape: [2, 4], data }
    expect(favourite(await post({ ...batch, unconditional_logits: tensor }))).toEqual([1, 3])
    const rows = [{}, { unconditional_logits: [0, 1, 1, 1] }]
    expect(favourite(await post({ ...batch, unconditional_logits: each, rows }))).toEqual([1, 0])
  })

  it.each([
    [[1, 2, 3], 422, '/unconditional_logits'],
    [[even], 400, '/unconditional_logits'],
    [[1, 2, 3, null], 400, '/unconditional_logits/3'],
    [[even, [1, 2, 3, '-1']], 400, '/unconditional_logits/1/3'],
    [{ dtype: 'float32', shape: [4], data: 'AAAA' }, 400, '/unconditional_logits/data'],
    [{ dtype: 'int8', shape: [4], data: 'AAAAAA==' }, 400, '/unconditional_logits/dtype'],
    ['0,0,0,0', 400, '/unconditional_logits'],
  ])('must fit the rows: %j gets a %i', async (unconditional_logits, status, pointer) => {
    const answer = await post({ ...batch, unconditional_logits })
    expect([answer.status, answer.errors[0].pointer]).toEqual([status, pointer])
  })
})
