import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { READABLE, textOfRow } from '../../src/playground/request.ts'
import { languages } from '../../src/playground/snippets/index.ts'
import { LOGITS_FILE } from '../../src/playground/snippets/snippet.ts'
import { readRow } from '../golden/read.ts'
import { type Server, startServer } from '../server.ts'

/** Runs every snippet as its user does, and compares its output with the API. */
const commands: Record<string, { tool: string; run(file: string): string }> = {
  curl: { tool: 'curl', run: (file) => `sh ${file}` },
  Python: { tool: 'python3', run: (file) => `python3 ${file}` },
  TypeScript: { tool: 'node', run: (file) => `node --conditions=kelvin-source ${file}` },
  Go: { tool: 'go', run: (file) => `go run ${file}` },
  Rust: {
    tool: 'rustc',
    run: (file) => `rustc --edition 2021 -o sample-rust ${file} && ./sample-rust`,
  },
  'C++': {
    tool: 'curl-config',
    run: (file) => `c++ -std=c++20 ${file} -lcurl -o sample-cpp && ./sample-cpp`,
  },
}

const KEY = 'a-key-that-nobody-guesses'

const fields = {
  temperature: 0.8,
  top_p: 0.95,
  n: 5,
  seed: '18446744073709551615',
  p_less: false,
  logit_bias: { '3': -1.5, '4': '-Infinity' },
  bad_words_ids: [[1, 2], [5]],
  profile: 'llama.cpp',
  stop_token_ids: [7, 8],
}

const rows = {
  'a row to read': readRow({ file: 'stories260k', row: 57 }),
  'a row in a file': readRow({ file: 'synth_32000', row: 0 }),
}

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const root = fileURLToPath(new URL('../..', import.meta.url))
const servers: Partial<Record<'open' | 'with keys', Server>> = {}
beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(root, 'src/client'), join(folder, 'node_modules/kelvin-client'))
  servers.open = await startServer()
  servers['with keys'] = await startServer({ API_KEYS: KEY })
})
afterAll(async () => {
  for (const server of Object.values(servers)) await server.stop()
  rmSync(folder, { recursive: true })
})

describe.each(Object.entries(rows))('%s', (_, logits) => {
  describe.each(['open', 'with keys'] as const)('a server %s', (kind) => {
    describe.each(languages.map((language) => [language.name, language] as const))(
      '%s',
      (name, { file, write }) => {
        const { tool, run } = commands[name]!
        const hasTool = spawnSync('which', [tool]).status === 0

        it.runIf(hasTool)('draws what the API draws', { timeout: 120_000 }, async () => {
          const { url } = servers[kind]!
          const isLong = logits.length > READABLE
          const text = write({
            origin: url,
            fields,
            vocabSize: logits.length,
            hasKeys: kind === 'with keys',
            ...(!isLong && { logits: textOfRow({ name: '', logits }) }),
          })
          expect(text).not.toContain(KEY)
          writeFileSync(join(folder, file), text)
          writeFileSync(join(folder, LOGITS_FILE), logits)
          const { stdout, stderr, status } = spawnSync('sh', ['-c', run(file)], {
            cwd: folder,
            encoding: 'utf8',
            env: { ...process.env, KELVIN_API_KEY: KEY },
          })
          expect(status, stderr).toBe(0)

          const response = await fetch(`${url}/v1/sample`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
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
})
