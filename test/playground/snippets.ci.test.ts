import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logitsText, READABLE } from '../../src/playground/request.ts'
import { languages } from '../../src/playground/snippets/index.ts'
import { LOGITS_FILE } from '../../src/playground/snippets/snippet.ts'
import { readRow } from '../golden/read.ts'
import { type Server, startServer } from '../server.ts'

/** Runs every snippet as its user does, and compares its output with the API. */
const commands: Record<string, string[]> = {
  curl: ['sh'],
  Python: ['python3'],
  TypeScript: ['node'],
  Go: ['go', 'run'],
}

const fields = {
  temperature: 0.8,
  top_p: 0.95,
  n: 5,
  seed: '18446744073709551615',
  p_less: false,
  logit_bias: { '3': -1.5, '4': '-Infinity' },
  bad_words_ids: [[1, 2], [5]],
  profile: 'llama.cpp',
}

const rows = {
  'a row to read': readRow({ file: 'stories260k', row: 57 }),
  'a row in a file': readRow({ file: 'synth_32000', row: 0 }),
}

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

describe.each(Object.entries(rows))('%s', (_, logits) => {
  describe.each(languages.map((language) => [language.name, language] as const))(
    '%s',
    (name, { file, write }) => {
      const [command, ...args] = commands[name]!
      const hasTool = spawnSync(command!, ['version']).error === undefined

      it.runIf(hasTool)('draws what the API draws', { timeout: 120_000 }, async () => {
        const isLong = logits.length > READABLE
        const text = write({
          origin: server.url,
          fields,
          vocabSize: logits.length,
          ...(!isLong && { logits: logitsText(logits) }),
        })
        writeFileSync(join(folder, file), text)
        writeFileSync(join(folder, LOGITS_FILE), logits)
        const { stdout, stderr, status } = spawnSync(command!, [...args, file], {
          cwd: folder,
          encoding: 'utf8',
        })
        expect(status, stderr).toBe(0)

        const response = await fetch(`${server.url}/v1/sample`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...fields, logits: Array.from(logits) }),
        })
        const { token_ids, entropy } = (await response.json()).results[0]
        // Languages print lists with or without commas.
        expect(stdout.replace(/[\s,]+/g, ' ')).toContain(token_ids.join(' '))
        expect(stdout).toContain(String(entropy))
      })
    },
  )
})
