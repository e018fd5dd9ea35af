import { readFileSync, writeFileSync } from 'node:fs'
import { buildApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { digestOf } from '../golden/digest.ts'

/** Answers the requests of a file on one machine, and writes a digest of each answer to another file. */

const [asked, answered] = process.argv.slice(2) as [string, string]
const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent' }))
const digests: string[] = []
for (const { path, headers, body } of JSON.parse(readFileSync(asked, 'utf8'))) {
  const { statusCode, rawPayload } = await app.inject({
    method: 'POST',
    url: path,
    // Problem documents contain the request id.
    headers: { ...headers, 'x-request-id': 'the-same' },
    payload: Buffer.from(body, 'base64'),
  })
  digests.push(`${statusCode} ${digestOf(rawPayload)}`)
}
await app.close()
writeFileSync(answered, JSON.stringify(digests))
