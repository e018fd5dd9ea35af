import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { paths } from './kelvin.ts'

const client = createClient<paths>({ baseUrl: process.env.KELVIN_URL! })
const logits = [2, 1, 0.5, -1, -3]
const sum = logits.reduce((sum, logit) => sum + Math.exp(logit / 0.8), 0)
/** The logprob of token 1 at temperature 0.8. The seed 42 draws this token. */
const logprob = logits[1]! / 0.8 - Math.log(sum)

/** Throws if the answer is an error. */
function only<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  assert.equal(error, undefined)
  return data!
}

// JSON: the types do not require optional fields.
const answer = only(
  await client.POST('/v1/sample', { body: { logits, temperature: 0.8, seed: 42 } }),
)
const [result] = answer.results
assert.deepEqual(result!.token_ids, [1])
assert.ok(Math.abs(result!.logprobs[0]! - logprob) < 1e-12)
assert.equal(result!.seed, '42')

// Bytes, with all other fields in the query. The items of a list are separated by commas.
const fromBytes = only(
  await client.POST('/v1/sample', {
    params: { query: { temperature: 0.8, seed: '42', shape: [1, 5], logprob_token_ids: [0, 4] } },
    querySerializer: { array: { style: 'form', explode: false } },
    headers: { 'Content-Type': 'application/octet-stream' },
    body: Float32Array.from(logits) as never,
    bodySerializer: (bytes: unknown) => bytes as Float32Array<ArrayBuffer>,
  }),
)
assert.deepEqual(fromBytes.results[0]!.token_ids, [1])
assert.deepEqual(fromBytes.results[0]!.scored!.ranks, [1, 5])

// An error is the problem document.
const { error, response } = await client.POST('/v1/sample', { body: { logits, temperature: -1 } })
assert.equal(response.status, 400)
assert.equal(error!.code, 'INVALID_REQUEST')
assert.equal(error!.errors[0]!.pointer, '/temperature')
