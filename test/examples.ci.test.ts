import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { execute } from './execute.ts'
import { type Server, startServer } from './server.ts'

/** Runs the example programs in other languages. A program is skipped if its tools are not installed. */

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
const examples = fileURLToPath(new URL('../examples', import.meta.url))
const row = join(examples, 'story.f32')
const out = (name: string) => join(folder, name)
const shared = out('shared')
mkdirSync(shared)

interface Example {
  file: string
  /** The command that must be installed for it. */
  needs: string
  build?: string[]
  run: string[]
  /** Whether it takes the directory of shared memory as its last argument. */
  isShared?: boolean
}

const cpp = join(examples, 'cpp/sample.cpp')
const programs: Example[] = [
  { file: 'sample.sh', needs: 'curl --version', run: [join(examples, 'sample.sh')] },
  {
    file: 'sample.py',
    needs: 'python3 -c "import numpy"',
    run: ['python3', join(examples, 'sample.py')],
  },
  {
    file: 'go/main.go',
    needs: 'go version',
    build: ['go', 'build', '-o', out('go'), join(examples, 'go/main.go')],
    run: [out('go')],
  },
  {
    file: 'rust/sample.rs',
    needs: 'rustc --version',
    build: [
      'rustc',
      '--edition',
      '2021',
      '-O',
      '-o',
      out('rust'),
      join(examples, 'rust/sample.rs'),
    ],
    run: [out('rust')],
  },
  {
    file: 'cpp/sample.cpp',
    needs: `g++ -std=c++20 -fsyntax-only ${cpp}`,
    build: ['g++', '-std=c++20', '-Wall', '-Wextra', '-Werror', cpp, '-lcurl', '-o', out('cpp')],
    run: [out('cpp')],
    isShared: true,
  },
]

let server: Server
let line: string
beforeAll(async () => {
  server = await startServer({ SOCKET_PATH: socket, SHARED_MEMORY_DIR: shared })
  const asked = 'temperature=0.8&top_p=0.95&seed=42'
  const response = await fetch(`${server.url}/v1/sample?${asked}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: readFileSync(row),
  })
  const { results } = (await response.json()) as {
    results: [{ token_ids: number[]; logprobs: number[] }]
  }
  line = `token ${results[0].token_ids[0]}, logprob ${results[0].logprobs[0]!.toFixed(4)}\n`
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

/** A server that refuses twice, then passes requests on. */
async function busy() {
  let refusals = 2
  const http = createServer(async (request, response) => {
    const pieces = await request.toArray()
    if (refusals-- > 0) {
      response.writeHead(503, { 'retry-after': '0' }).end('{"detail":"too much to do"}')
      return
    }
    const { headers, method, url } = request
    const type = { 'content-type': headers['content-type']! }
    const answer = await fetch(server.url + url, {
      method: method!,
      headers: type,
      body: Buffer.concat(pieces),
    })
    const body = await answer.text()
    response.writeHead(answer.status, { 'content-length': Buffer.byteLength(body) }).end(body)
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      http.closeAllConnections()
      http.close()
    },
  }
}

for (const { file, needs, build, run, isShared = false } of programs) {
  const isHere = spawnSync('sh', ['-c', needs]).status === 0
  describe.skipIf(!isHere)(file, () => {
    beforeAll(async () => {
      if (!build) return
      const { status, stderr } = await execute(build)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    }, 120_000)

    it.each([
      ['TCP', () => server.url],
      ['a Unix socket', () => `unix:${socket}`],
    ])('samples over %s', async (_, url) => {
      expect(await execute([...run, row, url()])).toEqual({ stdout: line, stderr: '', status: 0 })
    })

    it.runIf(isShared)('samples over shared memory, and leaves no file', async () => {
      const url = `unix:${socket}`
      const sampled = await execute([...run, row, url, shared])
      expect(sampled).toEqual({ stdout: line, stderr: '', status: 0 })
      expect(readdirSync(shared)).toEqual([])
      const failed = await execute([...run, row, url, out('missing')])
      expect(failed).toMatchObject({
        stdout: '',
        status: 1,
        stderr: `cannot write into ${out('missing')}\n`,
      })
    })

    it('retries a 503', async () => {
      const { url, close } = await busy()
      const { stdout, status } = await execute([...run, row, url])
      expect({ stdout, status }).toEqual({ stdout: line, status: 0 })
      close()
    })

    it('prints the error of Kelvin', async () => {
      const bad = out('nan.f32')
      writeFileSync(bad, Buffer.from(Float32Array.of(1, Number.NaN).buffer))
      const { stdout, stderr, status } = await execute([...run, bad, server.url])
      expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
      expect(stderr).toMatch(/422.*NaN/)
    })

    it('connects to the default port', async () => {
      // If a server runs at this port, the program prints its answer.
      const { stdout, stderr } = await execute([...run, row])
      expect(stdout === line || /refused|connect/i.test(stderr), stderr).toBe(true)
    })

    it('reports that no server runs', async () => {
      const { stdout, stderr, status } = await execute([...run, row, 'http://127.0.0.1:9'])
      expect(stdout).toBe('')
      expect(status).toBeGreaterThan(0)
      expect(stderr).toMatch(/refused|connect/i)
      expect(stderr.trim().split('\n')).toHaveLength(1)
    })
  })
}

it.each(globSync('**/*.{sh,py,go,rs,cpp}', { cwd: examples }))('%s is short', (file) => {
  expect(readFileSync(join(examples, file), 'utf8').split('\n').length).toBeLessThanOrEqual(90)
})
