import { spawnSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { afterAll, describe, expect, it } from 'vitest'
import { Config, describeConfig } from '../../src/config.ts'
import { halfSent, open } from '../http.ts'
import { gauge } from '../occupy.ts'
import { starter } from '../server.ts'

const root = new URL('../..', import.meta.url).pathname
const json = { 'content-type': 'application/json' }
const start = starter(afterAll)

describe('configuration', () => {
  it('lists every fault and exits 1', () => {
    const { status, stderr } = spawnSync('node', ['src/server.ts'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, PORT: '99999', LOG_LEVEL: 'loud', MAX_BODY_BYTES: '1e6' },
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(/PORT=99999: .*65535/)
    expect(stderr).toMatch(/LOG_LEVEL=loud: /)
    expect(stderr).toMatch(/MAX_BODY_BYTES=1e6: Expected a whole number/)
  })

  it('is explained by --help, variable by variable', () => {
    const { status, stdout } = spawnSync('node', ['src/server.ts', '--help'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    expect(describeConfig().length).toBe(Object.keys(Config.shape).length)
    for (const { name, fallback, description } of describeConfig()) {
      expect(stdout).toContain(`${name} (${fallback || 'not set'})\n      ${description}`)
    }
  })
})

describe('the process', () => {
  it('logs one line for each request, with its id and never its body', async () => {
    const server = await start()
    const body = JSON.stringify({ logits: [1.5, 2.5], temperature: 0.123 })
    const id = 'request-one'
    await fetch(`${server.url}/v1/sample`, {
      method: 'POST',
      headers: { ...json, 'x-request-id': id },
      body,
    })
    await fetch(`${server.url}/v1/sample`, { method: 'POST', headers: json, body: '{"logits":[]}' })
    await expect.poll(() => server.lines.length).toBe(3)
    const about = server.lines.slice(1).map((line) => JSON.parse(line))
    expect(about[0]).toMatchObject({ request_id: id, url: '/v1/sample', status: 200 })
    expect(about[1]).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    expect(server.lines.join()).not.toMatch(/0\.123|1\.5,2\.5/)
  })

  it('finishes requests under way on SIGTERM, and exits 0', async () => {
    const server = await start()
    const connection = await halfSent(server.where)
    const ended = server.stop()
    await new Promise((resolve) => setTimeout(resolve, 200))
    connection.socket.write(connection.rest)
    expect(await ended).toBe(0)
    expect(connection.answer).toMatch(/^HTTP\/1.1 200 OK/)
    expect(connection.answer).toContain('"seed":"1"')
  })

  const bothAddresses = it.runIf(
    Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1')),
  )

  bothAddresses.each(['1', '2'])(
    'does so at both addresses of localhost, with WORKERS=%s',
    async (WORKERS) => {
      // Not every machine has both addresses.
      const resolver = `import dns from 'node:dns/promises'
        import { syncBuiltinESMExports } from 'node:module'
        dns.lookup = async () => [{ address: '127.0.0.1' }, { address: '::1' }]
        syncBuiltinESMExports()`
      const server = await start({
        HOST: 'localhost',
        WORKERS,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(resolver)}`,
      })
      const { port } = new URL(server.url)
      await expect.poll(() => server.lines[1]).toContain(`http://[::1]:${port}`)
      const hosts = ['127.0.0.1', '::1']
      const underWay = await Promise.all(
        hosts.map((host) => halfSent({ port: Number(port), host })),
      )
      const ended = server.stop()
      await new Promise((resolve) => setTimeout(resolve, 200))
      for (const { socket, rest } of underWay) socket.write(rest)
      expect(await ended).toBe(0)
      for (const { answer } of underWay) expect(answer).toMatch(/^HTTP\/1.1 200 OK/)
    },
  )

  it.each([
    ['not HTTP', 'garbage\r\n\r\n', 400, 'INVALID_HTTP'],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
  ])('answers %s with a problem document', async (_, bytes, status, code) => {
    const server = await start()
    const connection = await open(server.where)
    connection.socket.write(bytes)
    await connection.closed
    expect(connection.answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(connection.answer.split('\r\n\r\n')[1]!).code).toBe(code)
  })

  it('answers a request that does not arrive in time', async () => {
    const server = await start({ REQUEST_TIMEOUT_MS: '1000' })
    const connection = await halfSent(server.where)
    await connection.closed
    expect(connection.answer).toMatch(/^HTTP\/1.1 408 /)
    expect(connection.answer).toContain('"code":"REQUEST_TIMEOUT"')
  })

  it('lives on when a client goes away half-way', async () => {
    const server = await start()
    const { socket } = await halfSent(server.where)
    socket.destroy()
    const response = await fetch(`${server.url}/livez`)
    expect(response.status).toBe(200)
    expect(server.process.exitCode).toBeNull()
  })

  it('logs no internal error if a connection ends before a long answer begins', async () => {
    const server = await start()
    const connection = await open(server.where)
    const body = Buffer.alloc(2 ** 20)
    connection.socket.write(
      `POST /v1/probabilities HTTP/1.1\r\nHost: kelvin\r\nContent-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    connection.socket.write(body)
    connection.socket.write('garbage\r\n\r\n')
    await connection.closed
    // Its row is still sampled.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(server.lines.join()).not.toContain('internal error')
  })

  it('takes at most a few times as long for a large bad request as for a good one', async () => {
    const server = await start()
    // 131,072 faulty elements: an issue for each would be an answer of 8.8 MB.
    const bodies = [
      `{"logits":[${'"x",'.repeat(131_071)}"x"]}`,
      `{"logits":[1],"banned_token_ids":[${'"x",'.repeat(131_071)}"x"]}`,
      `{"logits":[1],"order":[${'"x",'.repeat(131_071)}"x"]}`,
      `{"logits":[1],"rows":[${'"x",'.repeat(131_071)}"x"]}`,
      `{"logits":[1],"logit_bias":{${Array.from({ length: 60_000 }, (_, i) => `"x${i}":0`)}}}`,
      `{"logits":[1],${Array.from({ length: 60_000 }, (_, i) => `"x${i}":0`)}}`,
      `{"logits":[1],"${'x'.repeat(524_000)}":1}`,
      `{"logits":[1],"profile":"${'x'.repeat(524_000)}"}`,
    ]
    /** The processor time of a request: the least of five, because other work of the process only adds. */
    async function spentOn(body: string, status: number): Promise<number> {
      const spent: number[] = []
      for (let i = 0; i < 5; i++) {
        const lines = server.lines.length
        const before = await gauge(server.url, 'process_cpu_seconds_total')
        const response = await fetch(`${server.url}/v1/sample`, {
          method: 'POST',
          headers: json,
          body,
        })
        const answer = await response.text()
        spent.push((await gauge(server.url, 'process_cpu_seconds_total')) - before)
        expect(response.status).toBe(status)
        if (status !== 400) continue
        expect(answer.length).toBeLessThan(4096)
        const line = () => server.lines.slice(lines).find((line) => line.includes('/v1/sample'))
        await expect.poll(line).toBeDefined()
        expect(line()!.length).toBeLessThan(4096)
      }
      return Math.min(...spent)
    }
    // A valid request of the same length.
    const ids = Array.from({ length: 50_000 }, (_, id) => id)
    const good = `{"logits":[${'1,'.repeat(131_000)}1],"banned_token_ids":[${ids}],"return_probabilities":"none"}`
    const least = await spentOn(good, 200)
    for (const body of bodies) {
      expect(await spentOn(body, 400), body.slice(0, 40)).toBeLessThan(6 * least)
    }
  })
})
