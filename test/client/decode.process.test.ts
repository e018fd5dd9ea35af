import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DecodeParams, Kelvin } from '../../src/client/index.ts'
import { readRow } from '../golden/read.ts'
import { type Server, startServer } from '../server.ts'

let server: Server
let kelvin: Kelvin
beforeAll(async () => {
  server = await startServer()
  kelvin = new Kelvin(server.url)
})
afterAll(async () => {
  await kelvin.close()
  await server.stop()
})

/** Real logits, different at every step, that depend on the tokens before. */
const forward = (output: readonly number[]) =>
  readRow({ file: 'stories260k', row: (output.length + (output.at(-1) ?? 0)) % 40 })

async function generate(params: DecodeParams, maxTokens = 12) {
  const tokens = []
  for await (const token of kelvin.decode(forward, params, { maxTokens })) tokens.push(token)
  return tokens
}

/** The same decoding, written by hand: it keeps the history, seed and state itself. */
async function byHand(params: DecodeParams, count: number) {
  const output: number[] = []
  let state: object | undefined
  for (let step = 0; step < count; step++) {
    const body = {
      logits: Array.from(forward(output)),
      ...params,
      step,
      output_token_ids: output,
      ...(state && { state }),
    }
    const response = await fetch(`${server.url}/v1/sample`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { results } = (await response.json()) as {
      results: { token_ids: number[]; state?: object }[]
    }
    output.push(results[0]!.token_ids[0]!)
    state = results[0]!.state
  }
  return output
}

it.each<[string, DecodeParams]>([
  ['a seed', { temperature: 1.5, seed: 11 }],
  ['a stream', { temperature: 1.5, seed: 11, stream: 4 }],
  ['penalties', { temperature: 1.2, seed: 3, repetition_penalty: 1.8, prompt_token_ids: [1, 376] }],
  ['DRY', { temperature: 0, seed: 3, dry_multiplier: 2, dry_allowed_length: 1 }],
  ['mirostat', { seed: 5, mirostat: 2, mirostat_tau: 3 }],
])('keeps history, seed and state between steps: %s', async (_, params) => {
  const tokens = await generate(params)
  expect(tokens.map(({ token_id }) => token_id)).toEqual(await byHand(params, 12))
  expect(tokens.map(({ step }) => step)).toEqual(tokens.map((_, i) => i))
})

it('without a seed draws one for all steps, which replays the text', async () => {
  const tokens = await generate({ temperature: 2 })
  expect(new Set(tokens.map(({ seed }) => seed)).size).toBe(1)
  const again = await generate({ temperature: 2, seed: tokens[0]!.seed })
  expect(again).toEqual(tokens)
  const [other] = await generate({ temperature: 2 })
  expect(other!.seed).not.toBe(tokens[0]!.seed)
})

it('ends at a stop token, at the limit, or when its reader stops', async () => {
  const [first, second] = await generate({ temperature: 0 }, 2)
  const stopped = await generate({ temperature: 0, stop_token_ids: [second!.token_id] })
  expect(stopped.map(({ token_id }) => token_id)).toEqual([first!.token_id, second!.token_id])
  expect(await generate({ temperature: 0 }, 5)).toHaveLength(5)
  let steps = 0
  const counted = (output: readonly number[]) => {
    steps++
    return forward(output)
  }
  for await (const _ of kelvin.decode(counted)) break
  expect(steps).toBe(1)
})

it('ends with the first error', async () => {
  const broken = kelvin.decode((output) => (output.length < 2 ? forward(output) : [Number.NaN]))
  await expect(Array.fromAsync(broken)).rejects.toMatchObject({ code: 'LOGITS_NOT_FINITE' })
  const control = new AbortController()
  const given = kelvin.decode(forward, {}, { signal: control.signal })
  await given.next()
  control.abort()
  await expect(given.next()).rejects.toMatchObject({ name: 'AbortError' })
})
