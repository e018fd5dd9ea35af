import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { testApp } from '../app.ts'

const app = await testApp()

/** Variations of the text of a request that do not change its meaning, in any chunks. */
interface Wording {
  number: (value: number) => string
  key: (name: string) => string
  space: string
  length: number
}

const plain: Wording = { number: String, key: (name) => `"${name}"`, space: '', length: 65_536 }

const wording = fc.record<Wording>({
  number: fc.constantFrom<Wording['number']>(
    String,
    (value) => value.toExponential(),
    (value) => value.toPrecision(17),
    (value) => value.toPrecision(100),
  ),
  key: fc.constantFrom<Wording['key']>(
    plain.key,
    (name) => `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`,
  ),
  space: fc.constantFrom('', ' ', '\n  ', '\t\r\n'),
  length: fc.constantFrom(1, 7, 1000, 65_536),
})

function write(value: unknown, words: Wording): string {
  const { space, key, number } = words
  if (typeof value === 'number') return number(value)
  if (Array.isArray(value)) {
    return `[${space}${value.map((item) => write(item, words)).join(`${space},${space}`)}${space}]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(
    ([name, of]) => `${key(name)}${space}:${space}${write(of, words)}`,
  )
  return `${space}{${entries.join(`${space},${space}`)}}${space}`
}

async function answer(request: object, words: Wording): Promise<string> {
  const bytes = Buffer.from(write(request, words))
  const pieces = []
  for (let at = 0; at < bytes.length; at += words.length) {
    pieces.push(bytes.subarray(at, at + words.length))
  }
  const response = await app.inject({
    method: 'POST',
    url: '/v1/sample',
    headers: { 'content-type': 'application/json', 'x-request-id': 'same' },
    payload: Readable.from(pieces),
  })
  return `${response.statusCode} ${response.body}`
}

const logit = fc.oneof(
  { weight: 500, arbitrary: fc.float({ min: -30, max: 30, noNaN: true }) },
  { weight: 100, arbitrary: fc.constantFrom(0, -2, 1e-3, 0.1, '-Infinity') },
  { weight: 1, arbitrary: fc.constant(null) },
)

it('the same request in another notation has the same answer, to the byte', async () => {
  const request = fc.record(
    {
      logits: fc
        .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 200 }))
        .chain(([rows, size]) =>
          fc.array(
            fc.array(logit, { minLength: size, maxLength: size + (size % 50 === 0 ? 1 : 0) }),
            {
              minLength: rows,
              maxLength: rows,
            },
          ),
        ),
      temperature: fc.constantFrom(0.5, 0.7, 1.25, 0, 2, 1, -1),
      top_k: fc.integer({ min: 0, max: 9 }),
      prompt_token_ids: fc.array(fc.nat(5), { maxLength: 150 }),
      repetition_penalty: fc.constant(1.1),
      seed: fc.constant('7'),
      profile: fc.constantFrom('kelvin', 'vllm', 'transformers', 'llama.cpp', 'nobody'),
    },
    { requiredKeys: ['logits', 'seed'] },
  )
  await fc.assert(
    fc.asyncProperty(request, wording, async (given, words) => {
      expect(await answer(given, words)).toBe(await answer(given, plain))
    }),
    { numRuns: 200 },
  )
})
