import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { indexSource } from '../generated/index-source.ts'

/** A sampler needs only its file and its line in the order of a profile. */

const source = `import * as z from 'zod'
import { log } from '../../kernel/index.ts'
import { keepWithin } from '../row/cuts.ts'
import { defineSampler } from '../sampler.ts'

export const halfLife = defineSampler({
  name: 'half_life',
  title: 'Half-life',
  meaning: 'Keeps the tokens within some halvings of the most likely one.',
  reference: { title: 'Made up', url: 'https://example.org' },
  stage: 'truncation',
  fields: {
    half_lives: z
      .number()
      .min(0)
      .max(64)
      .meta({ description: 'How many halvings, from 0 to 64. 0 keeps all (off).', 'x-typical': [1, 8] })
      .default(0),
  },
  example: { params: { half_lives: 1.1 }, given: [0.1, 0.2, 0.4, 0.3], gives: [0, 2 / 9, 4 / 9, 3 / 9] },
  active: ({ half_lives }) => half_lives > 0,
  apply: (row, { half_lives }) => keepWithin(row, half_lives * log(2)),
})
`

const root = new URL('../../', import.meta.url)
const artefacts = new URL('test/artefacts/', root)
mkdirSync(artefacts, { recursive: true })
const copy = pathToFileURL(`${mkdtempSync(fileURLToPath(new URL('new-sampler-', artefacts)))}/`)
const isNoTest = (path: string) => !path.endsWith('.test.ts')
for (const part of ['src', 'test/sampling', 'package.json', 'tsconfig.json']) {
  cpSync(new URL(part, root), new URL(part, copy), { recursive: true, filter: isNoTest })
}
const samplers = new URL('src/sampling/samplers/', copy)
writeFileSync(new URL('half-life.ts', samplers), source)
writeFileSync(new URL('index.ts', samplers), indexSource(samplers, 'samplers'))
const order = new URL('src/sampling/profiles/kelvin.ts', copy)
const listed = readFileSync(order, 'utf8').replace("'min_p',", "'min_p',\n    'half_life',")
writeFileSync(order, listed)
afterAll(() => rmSync(copy, { recursive: true }))

const load = (path: string) => import(/* @vite-ignore */ fileURLToPath(new URL(path, copy)))

const { buildApp } = await load('src/app.ts')
const { loadConfig } = await load('src/config.ts')
const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent' }))
afterAll(() => app.close())
await app.ready()
const get = async (url: string) => (await app.inject(url)).json()

describe('a made-up sampler', () => {
  it('runs, with its field checked', async () => {
    const post = (body: object) => app.inject({ method: 'POST', url: '/v1/probabilities', body })
    const logits = [0.1, 0.2, 0.4, 0.3].map(Math.log)
    const { results } = (await post({ logits, half_lives: 1.1 })).json()
    expect(results[0].kept_count).toBe(3)
    expect((await post({ logits, half_lives: 65 })).statusCode).toBe(400)
  })

  it('is in the catalogue, in its place', async () => {
    const { samplers, profiles } = await get('/v1/samplers')
    const names = samplers.map(({ name }: { name: string }) => name)
    expect(names.indexOf('half_life')).toBe(names.indexOf('min_p') + 1)
    expect(profiles[0].order).toEqual(names)
  })

  it('is in the OpenAPI document', async () => {
    const { components } = await get('/openapi.json')
    const { SampleRequest, SamplerName } = components.schemas
    expect(SampleRequest.properties.half_lives.maximum).toBe(64)
    expect(SamplerName.enum).toContain('half_life')
  })

  it('has a flag of the command', async () => {
    const { fieldOptions, fieldUsage } = await load('src/cli/flags.ts')
    expect(fieldOptions['half-lives']).toEqual({ type: 'string', multiple: true })
    expect(fieldUsage).toContain('--half-lives NUMBER')
  })

  it('has a control in the playground', async () => {
    const { controlOf } = await load('src/playground/controls.ts')
    const { samplers } = await get('/v1/samplers')
    const { fields } = samplers.find(({ name }: { name: string }) => name === 'half_life')
    expect(controlOf(fields.half_lives)).toEqual({ kind: 'number', low: 0, high: 8, step: 0.1 })
  })
})

const { describeSampler } = await load('test/sampling/tester.ts')
const { halfLife } = await load('src/sampling/samplers/half-life.ts')
describeSampler(halfLife, {
  cases: [],
  rejects: [{ half_lives: -1 }],
  strengths: fc.record({ half_lives: fc.double({ min: 0, max: 64, noNaN: true }) }),
})
