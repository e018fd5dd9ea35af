import fc from 'fast-check'
import { it } from 'vitest'
import { changes, writeChanged } from './json.ts'
import { cuts, rarely } from './mutations.ts'
import { expectAnswer } from './post.ts'
import { document, JSON_TYPE, samplingPath } from './requests.ts'
import { check, TIMEOUT } from './runs.ts'
import { fuzzTarget } from './target.ts'

/** JSON bodies of /v1. */

const { where } = await fuzzTarget()

const text = fc.tuple(document, changes).map(([given, all]) => writeChanged(given, all))

it('documents with other parts', { timeout: TIMEOUT }, async () => {
  const property = fc.asyncProperty(samplingPath, text, cuts, async (path, body, at) => {
    await expectAnswer(where, { path, headers: JSON_TYPE, body: Buffer.from(body) }, at)
  })
  await check(property, 2)
})

it('documents with other bytes', { timeout: TIMEOUT }, async () => {
  const property = fc.asyncProperty(
    samplingPath,
    text,
    rarely,
    cuts,
    async (path, body, mutate, at) => {
      await expectAnswer(where, { path, headers: JSON_TYPE, body: mutate(Buffer.from(body)) }, at)
    },
  )
  await check(property)
})

it('documents that are parsed in chunks', { timeout: TIMEOUT }, async () => {
  const filled = fc
    .tuple(text, fc.constantFrom(' ', '\n\t'), fc.nat(3), rarely)
    .map(([body, space, place, mutate]) => {
      const parts = body.split(',')
      parts[place % parts.length] += space.repeat(9000)
      return mutate(Buffer.from(parts.join(',')))
    })
  const property = fc.asyncProperty(samplingPath, filled, cuts, async (path, body, at) => {
    await expectAnswer(where, { path, headers: JSON_TYPE, body }, at)
  })
  await check(property)
})
