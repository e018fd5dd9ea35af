import { expect, it } from 'vitest'
import { kelvinOrder, samplerByName } from '../../src/sampling/registry.ts'
import { DETERMINISM_VERSION } from '../../src/sampling/sample.ts'
import { testApp } from '../app.ts'
import { digestOf } from '../golden/digest.ts'
import { pinnedRequests } from '../golden/pinned.ts'

/**
 * The same request gives the same bytes on any machine. bytes.txt pins these bytes. If they change, increment
 * DETERMINISM_VERSION, too. `npm run test:machines` compares them on other machines.
 */

const app = await testApp()

it('pins bytes of every sampler', () => {
  const pinned = new Set(pinnedRequests().flatMap(({ payload }) => Object.keys(payload)))
  const missing = kelvinOrder.filter(
    (name) => !Object.keys(samplerByName.get(name)!.fields).some((field) => pinned.has(field)),
  )
  expect(missing).toEqual([])
})

it('gives the pinned bytes', async () => {
  const digests: string[] = []
  for (const { name, payload } of pinnedRequests()) {
    const response = await app.inject({ method: 'POST', url: '/v1/sample', payload })
    expect(response.statusCode, response.body).toBe(200)
    digests.push(`${digestOf(response.body)} ${name}`)
  }
  const table = `determinism_version ${DETERMINISM_VERSION}\n${digests.join('\n')}\n`
  await expect(table).toMatchFileSnapshot(new URL('../golden/bytes.txt', import.meta.url).pathname)
})
