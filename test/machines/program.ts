import { readFileSync, writeFileSync } from 'node:fs'
import { buildApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { digestOf } from '../golden/digest.ts'

/** What one machine answers: requests from a file, and a digest of each answer to another. */

const [asked, answered] = process.argv.slice(2) as [string, string]
const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent' }))
const digests: string[] = []
for (const { path, headers, body } of JSON.parse(readFileSync(asked, 'utf8'))) {
  const { statusCode, rawPayload } = await app.inject({
    method: 'POST',
    url: path,
    // Problem documents have it in them.
    headers: { ...headers, 'x-request-id': 'the-same' },
    payload: Buffer.from(body, 'base64'),
  })
  digests.push(`${statusCode} ${digestOf(rawPayload)}`)
}
await app.close()
writeFileSync(answered, JSON.stringify(digests))
